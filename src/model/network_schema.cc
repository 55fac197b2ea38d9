// What may stand below <network>, as far as its schema says it and its description does not: the names in the
// elements that are read by hand.

#include "base/text.h"
#include "model/network_parts.h"

namespace bv::model {

namespace {

// An element by its place. Names end in '!' where the schema insists on them.
struct Allowed {
  std::string_view parent, name, attributes, children;
};
constexpr Allowed kAllowed[] = {
    {"network", "bridge", "name zone stp delay macTableManager", ""},
    {"network", "mtu", "size!", ""},
    {"network", "mac", "address!", ""},
    {"network", "domain", "name! localOnly", ""},
    {"network", "forward", "dev mode managed", "interface address pf driver nat"},
    {"forward", "interface", "dev! connections", ""},
    {"forward", "address", "type! domain bus slot function multifunction connections", "zpci"},
    {"forward", "pf", "dev!", ""},
    {"forward", "driver", "name!", ""},
    {"forward", "nat", "ipv6", "address port"},
    {"nat", "address", "start! end!", ""},
    {"nat", "port", "start! end!", ""},
    {"network", "dns", "enable forwardPlainNames", "forwarder txt srv host"},
    {"dns", "forwarder", "addr domain", ""},
    {"dns", "txt", "name! value!", ""},
    {"dns", "srv", "service! protocol! domain target port priority weight", ""},
    {"dns", "host", "ip!", "hostname!"},
    {"network", "ip", "address netmask prefix family localPtr", "tftp dhcp"},
    {"ip", "tftp", "root!", ""},
    {"ip", "dhcp", "", "range host bootp"},
    {"dhcp", "range", "start! end!", "lease"},
    {"dhcp", "host", "mac id name ip!", "lease"},
    {"dhcp", "bootp", "file! server", ""},
    {"range", "lease", "expiry! unit", ""},
    {"host", "lease", "expiry! unit", ""},
    {"network", "route", "family address! netmask prefix gateway! metric", ""},
};

[[noreturn]] void Invalid(const xml::Node& node, const std::string& what) {
  throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, xml::PathOf(node) + ": " + what);
}

bool Names(std::string_view list, std::string_view name) {
  for (std::string_view word : Words(list)) {
    if (word == name || (word.ends_with('!') && word.substr(0, word.size() - 1) == name)) return true;
  }
  return false;
}

void CheckOne(const Allowed& row, const xml::Node& node) {
  for (auto* attribute = node.attributes; attribute; attribute = attribute->next) {
    if (!Names(row.attributes, attribute->name)) Invalid(node, "unknown attribute '" + std::string(attribute->name) + "'");
  }
  for (std::string_view word : Words(row.attributes)) {
    if (!word.ends_with('!')) continue;
    word.remove_suffix(1);
    if (!node.Attr(word)) Invalid(node, "missing attribute '" + std::string(word) + "'");
  }
  for (auto* child = node.first_child; child; child = child->next) {
    if (child->kind == xml::Node::Kind::kElement && child->ns.empty() && !Names(row.children, child->name)) Invalid(*child, "unknown element");
  }
  for (std::string_view word : Words(row.children)) {
    if (!word.ends_with('!')) continue;
    word.remove_suffix(1);
    if (!node.Child(word)) Invalid(node, "missing element '" + std::string(word) + "'");
  }
}

}  // namespace

void CheckNetworkSchema(const xml::Node& parent) {
  for (auto* node = parent.first_child; node; node = node->next) {
    if (node->kind != xml::Node::Kind::kElement || !node->ns.empty() || node->Is("metadata")) continue;
    for (const Allowed& row : kAllowed) {
      if (row.parent == parent.name && row.name == node->name) CheckOne(row, *node);
    }
    CheckNetworkSchema(*node);
  }
}

}  // namespace bv::model
