#include "daemon/uri.h"

#include <fmt/core.h>
#include <libxml/uri.h>

#include <memory>

#include "base/error.h"

namespace bv {

namespace {

std::string OrEmpty(const char* text) { return text ? text : ""; }

}  // namespace

Uri Uri::Parse(const std::string& text) {
  std::unique_ptr<xmlURI, decltype(&xmlFreeURI)> parsed(xmlParseURI(text.c_str()), &xmlFreeURI);
  if (!parsed) throw Error(ErrorDomain::kUri, ErrorCode::kInternalError, "Unable to parse URI " + text);
  Uri uri{.scheme = OrEmpty(parsed->scheme),
          .user = OrEmpty(parsed->user),
          .server = OrEmpty(parsed->server),
          .port = parsed->port > 0 ? parsed->port : 0,
          .path = OrEmpty(parsed->path),
          .query = OrEmpty(parsed->query_raw),
          .text = text};
  if (uri.server.size() >= 2 && uri.server.front() == '[' && uri.server.back() == ']') {
    uri.server = uri.server.substr(1, uri.server.size() - 2);
  }
  return uri;
}

bool AcceptsLocalUri(const Uri& uri, std::string_view scheme, bool privileged, ErrorDomain domain) {
  if (uri.scheme != scheme || !uri.server.empty()) return false;
  std::string_view wanted = privileged ? "/system" : "/session";
  if (uri.path == wanted) return true;
  bool session_as_root = scheme == "qemu" || scheme == "vbox";
  if (privileged && session_as_root && uri.path == "/session") return true;
  throw Error(domain, ErrorCode::kInternalError,
              fmt::format("unexpected {} URI path '{}', try {}://{}", scheme, uri.path, scheme, wanted));
}

}  // namespace bv
