#include <fmt/core.h>

#include <algorithm>

#include "describe.h"
#include "rpc/acl.h"

namespace bv {

namespace {

using rpc::Permission;

std::string WithDashes(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', '-');
  return out;
}

std::string WithSpaces(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', ' ');
  return out;
}

// What everybody may do unless a rule says otherwise: look at things, but not into devices of the
// host, and list what a connection has.
bool OpenToAll(std::string_view object, std::string_view permission) {
  return permission == "getattr" || (permission == "read" && object != "node_device") ||
         (object == "connect" && permission.starts_with("search_"));
}

}  // namespace

std::string ApiPolicy() {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE policyconfig PUBLIC \"-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN\"\n"
      " \"http://www.freedesktop.org/standards/PolicyKit/1.0/policyconfig.dtd\">\n<policyconfig>\n";
  for (int i = 1; i <= static_cast<int>(Permission::kStorageVolResize); ++i) {
    auto object = rpc::ObjectName(static_cast<Permission>(i));
    auto permission = rpc::PermissionName(static_cast<Permission>(i));
    const char* allow = OpenToAll(object, permission) ? "yes" : "no";
    out += fmt::format("  <action id=\"org.libvirt.api.{}.{}\">\n", WithDashes(object), WithDashes(permission));
    out += fmt::format("    <description>{}: {}</description>\n", WithSpaces(object), WithSpaces(permission));
    out += fmt::format("    <message>Permission '{}' on this {} requires authorization</message>\n    <defaults>\n",
                       WithSpaces(permission), WithSpaces(object));
    for (const char* who : {"any", "inactive", "active"}) {
      out += fmt::format("      <allow_{}>{}</allow_{}>\n", who, allow, who);
    }
    out += "    </defaults>\n  </action>\n";
  }
  return out + "</policyconfig>\n";
}

}  // namespace bv
