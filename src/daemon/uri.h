#pragma once

#include <string>
#include <string_view>

#include "base/error_codes.h"

namespace bv {

// A connection URI in its parts, as libvirt takes it apart: "qemu+unix://user@host:1/system?k=v".
struct Uri {
  std::string scheme;  // "qemu", "qemu+unix"; empty when there is none
  std::string user;
  std::string server;  // without the brackets of an IPv6 address
  int port = 0;        // 0 is none
  std::string path;    // "/system"
  std::string query;   // undecoded
  std::string text;    // what was parsed

  // Throws kInternalError (domain kUri) on what is no URI.
  static Uri Parse(const std::string& text);
};

// The rule that local drivers share. False when `uri` is not of `scheme` or names a remote server;
// throws kInternalError in `domain` when the scheme is right and the path does not suit a daemon of
// this privilege. "qemu" and "vbox" take /session as root too.
bool AcceptsLocalUri(const Uri& uri, std::string_view scheme, bool privileged,
                     ErrorDomain domain = ErrorDomain::kNone);

}  // namespace bv
