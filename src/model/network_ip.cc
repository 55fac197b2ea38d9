#include <cctype>

#include <fmt/format.h>

#include "model/network_parts.h"

// <ip> with its <dhcp>, and <route>.
namespace bv::model {

namespace {

constexpr std::uint64_t kMaxRange = 65535;

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kNetwork, code, std::move(text)); }
[[noreturn]] void FailXml(std::string text) { Fail(ErrorCode::kXmlError, std::move(text)); }
[[noreturn]] void FailUnsupported(std::string text) { Fail(ErrorCode::kConfigUnsupported, std::move(text)); }

// Any kind of address; the error is the resolver's.
Ip SocketAddress(std::string_view text) {
  if (auto ip = Ip::Parse(text)) return *ip;
  throw Error(ErrorDomain::kNone, ErrorCode::kSystemError,
              "Cannot parse socket address '" + std::string(text) + "': Name or service not known");
}

std::optional<LeaseTime> ReadLease(const xml::Node& element) {
  Parser p(ErrorDomain::kNetwork, 0);
  std::optional<LeaseTime> lease;
  for (const xml::Node* node = element.Child("lease"); node; node = node->Next("lease")) {
    LeaseTime time;
    if (!p.Value(*node, "expiry", time.expiry)) continue;
    p.Value(*node, "unit", time.unit);
    constexpr std::uint64_t kSecondsOf[] = {1, 60, 3600};
    std::uint64_t shortest = 120 / kSecondsOf[static_cast<int>(time.unit)];
    if (time.expiry != 0 && time.expiry < shortest) FailUnsupported("The minimum lease time should be greater than 2 minutes");
    lease = time;
  }
  return lease;
}

void WriteLease(Formatter& f, const LeaseTime& lease) {
  f.out().Open("lease");
  f.Attr("expiry", lease.expiry);
  if (lease.expiry) f.Attr("unit", ToString(lease.unit));
  f.out().Close("lease");
}

// An attribute of <host> that says who it is; what it may hold differs between IPv4 and IPv6.
void CheckMac(const NetworkDef& def, const NetworkIp& ip, const std::string& mac) {
  if (!ip.v4()) {
    FailXml("Invalid to specify MAC address '" + mac + "' in network '" + def.name + "' IPv6 static host definition");
  }
  auto parsed = MacAddress::Parse(mac);
  if (!parsed) FailXml("Cannot parse MAC address '" + mac + "' in network '" + def.name + "'");
  if (parsed->bytes[0] & 1) FailXml("expected unicast mac address, found multicast '" + mac + "' in network '" + def.name + "'");
}
void CheckId(const NetworkDef& def, const std::string& id) {
  for (char c : id) {
    if (!std::isxdigit(static_cast<unsigned char>(c)) && c != ':') {
      FailXml(fmt::format("Invalid character '{}' in id '{}' of network '{}'", c, id, def.name));
    }
  }
}
void CheckHostName(const NetworkDef& def, const std::string& name) {
  if (name.empty() || !std::isalnum(static_cast<unsigned char>(name[0]))) {
    FailXml("Cannot use host name '" + name + "' in network '" + def.name + "'");
  }
}

void ReadDhcp(const NetworkDef& def, NetworkIp& ip, const xml::Node& dhcp) {
  for (const xml::Node* node = dhcp.Child("range"); node; node = node->Next("range")) ip.ranges.push_back(ParseDhcpRange(def, ip, *node));
  for (const xml::Node* node = dhcp.Child("host"); node; node = node->Next("host")) {
    ip.hosts.push_back(ParseDhcpHost(def, ip, *node, false));
  }
  const xml::Node* bootp = ip.v4() ? dhcp.Child("bootp") : nullptr;
  auto file = bootp ? NotEmpty(*bootp, "file") : std::nullopt;
  if (!file) return;
  ip.bootp_file = *file;
  if (auto server = bootp->Attr("server")) ip.bootp_server = SocketAddress(*server);
}

void CheckFamily(const NetworkDef& def, const NetworkIp& ip) {
  std::string address = ip.address.ToString(), in = " in network '" + def.name + "'";
  if (ip.family.empty()) {
    if (!ip.v4()) FailUnsupported("no family specified for non-IPv4 address '" + address + "'" + in);
  } else if (ip.family == "ipv4") {
    if (!ip.v4()) FailUnsupported("ipv4 family specified for non-IPv4 address '" + address + "'" + in);
  } else if (ip.family == "ipv6") {
    if (ip.v4()) FailUnsupported("Family 'ipv6' specified for non-IPv6 address '" + address + "'" + in);
  } else {
    FailXml("Unrecognized family '" + ip.family + "'" + in);
  }
}

void ReadMask(const NetworkDef& def, NetworkIp& ip, const xml::Node& element, bool has_prefix) {
  std::string in = " in network '" + def.name + "'";
  if (auto text = NotEmpty(element, "netmask")) {
    std::string mask(*text);
    if (has_prefix) FailUnsupported("Network '" + def.name + "' IP address cannot have both a prefix and a netmask");
    ip.netmask = Ip::Parse(mask);
    if (!ip.netmask) FailXml("Invalid netmask '" + mask + "'" + in);
    if (!ip.v4()) FailUnsupported("netmask not allowed for IPv6 address '" + ip.address.ToString() + "'" + in);
    if (!ip.netmask->v4()) {
      FailUnsupported("Invalid netmask '" + mask + "' for address '" + ip.address.ToString() + "'" + in + " (both must be IPv4)");
    }
  }
  if (ip.prefix > ip.address.width()) FailUnsupported(fmt::format("Invalid {} prefix '{}'{}", ip.v4() ? "IPv4" : "IPv6", ip.prefix, in));
}

NetworkIp ReadIp(Parser& p, const NetworkDef& def, const xml::Node& element) {
  NetworkIp ip;
  auto address = NotEmpty(element, "address");
  if (!address) FailXml("Missing required address attribute in network '" + def.name + "'");
  auto parsed = Ip::Parse(*address);
  if (!parsed) FailXml("Invalid address '" + std::string(*address) + "' in network '" + def.name + "'");
  ip.address = *parsed;
  bool has_prefix = p.Value(element, "prefix", ip.prefix);
  p.Value(element, "localPtr", ip.local_ptr, Fault::kXml, kNonZero);
  ip.family = NotEmpty(element, "family").value_or("");
  CheckFamily(def, ip);
  ReadMask(def, ip, element, has_prefix);
  if (const xml::Node* dhcp = element.Child("dhcp")) ReadDhcp(def, ip, *dhcp);
  if (const xml::Node* tftp = element.Child("tftp")) {
    if (!ip.v4()) FailUnsupported("Unsupported <tftp> element in an IPv6 element in network '" + def.name + "'");
    ip.tftp_root = tftp->AttrOr("root");
  }
  return ip;
}

void WriteHost(Formatter& f, const DhcpHost& host) {
  f.out().Open("host");
  if (host.mac) f.Attr("mac", *host.mac);
  if (host.id) f.Attr("id", *host.id);
  if (host.name) f.Attr("name", *host.name);
  if (host.ip) f.Attr("ip", host.ip->ToString());
  if (host.lease) WriteLease(f, *host.lease);
  f.out().Close("host");
}

void WriteDhcp(Formatter& f, const NetworkIp& ip) {
  xml::Writer& out = f.out();
  out.Open("dhcp");
  for (const DhcpRange& range : ip.ranges) {
    out.Open("range");
    f.Attr("start", range.start.ToString());
    f.Attr("end", range.end.ToString());
    if (range.lease) WriteLease(f, *range.lease);
    out.Close("range");
  }
  for (const DhcpHost& host : ip.hosts) WriteHost(f, host);
  if (!ip.bootp_file.empty()) {
    out.Open("bootp");
    f.Attr("file", ip.bootp_file);
    if (ip.bootp_server) f.Attr("server", ip.bootp_server->ToString());
    out.Close("bootp");
  }
  out.Close("dhcp");
}

}  // namespace

std::optional<std::string> Given(const xml::Node& element, std::string_view name) {
  auto text = element.Attr(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::string_view> NotEmpty(const xml::Node& element, std::string_view name) {
  auto text = element.Attr(name);
  return text && !text->empty() ? text : std::nullopt;
}

unsigned DefaultPrefix(const Ip& address) {
  if (!address.v4()) return 64;
  unsigned first = address.bytes()[0];
  return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 0;
}

unsigned PrefixOf(const NetworkIp& ip) {
  if (ip.prefix) return ip.prefix;
  return ip.netmask ? ip.netmask->PrefixOfMask().value_or(0) : DefaultPrefix(ip.address);
}

unsigned PrefixOf(const NetworkRoute& route) {
  if (route.prefix) return *route.prefix;
  if (route.netmask) return route.netmask->PrefixOfMask().value_or(0);
  return route.address.IsZero() ? 0 : DefaultPrefix(route.address);
}

void CheckAddressRange(const Ip& start, const Ip& end, const Ip* network, unsigned prefix) {
  std::string range = "range " + start.ToString() + " - " + end.ToString();
  auto fail = [](std::string text) { throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, std::move(text)); };
  if (start.v4() != end.v4()) fail("mismatch of address family in " + range);
  if (network) {
    std::string place = network->ToString() + "/" + std::to_string(prefix);
    if (start.v4() != network->v4()) fail("mismatch of address family in " + range + " for network " + network->ToString());
    if (start.Masked(prefix) != network->Masked(prefix) || end.Masked(prefix) != network->Masked(prefix)) {
      fail(range + " is not entirely within network " + place);
    }
    if (start.v4() && prefix < 31) {
      if (start == network->Masked(prefix)) fail("start of " + range + " in network " + place + " is the network address");
      if (end == network->Last(prefix)) fail("end of " + range + " in network " + place + " is the broadcast address");
    }
  }
  auto distance = Ip::Distance(start, end);
  if (!distance) fail(range + (start.v4() ? " is reversed " : " start larger than end"));
  if (*distance > kMaxRange) fail(range + " is too large (> 65535)");
}

DhcpRange ParseDhcpRange(const NetworkDef& network, const NetworkIp& ip, const xml::Node& element) {
  DhcpRange range;
  for (auto [name, bound] : {std::pair("start", &range.start), std::pair("end", &range.end)}) {
    auto text = element.Attr(name);
    if (!text) FailXml(std::string("Missing '") + name + "' attribute in dhcp range for network '" + network.name + "'");
    *bound = SocketAddress(*text);
  }
  CheckAddressRange(range.start, range.end, &ip.address, PrefixOf(ip));
  range.lease = ReadLease(element);
  return range;
}

DhcpHost ParseDhcpHost(const NetworkDef& network, const NetworkIp& ip, const xml::Node& element, bool partial) {
  DhcpHost host;
  host.mac = Given(element, "mac");
  if (host.mac) CheckMac(network, ip, *host.mac);
  host.id = Given(element, "id");
  if (host.id) CheckId(network, *host.id);
  host.name = Given(element, "name");
  if (host.name) CheckHostName(network, *host.name);
  auto address = Given(element, "ip");
  std::string where = " for network '" + network.name + "'";
  if (address) {
    host.ip = Ip::Parse(*address);
    if (!host.ip) FailXml("Invalid IP address in static host definition" + where);
  }
  if (partial) {
    if (!host.mac && !host.name && !host.ip) {
      FailXml("At least one of name, mac, or ip attribute must be specified for static host definition in network '" + network.name + "'");
    }
    return host;
  }
  if (!(ip.v4() ? host.mac : host.id) && !host.name) {
    FailXml(fmt::format("Static host definition in {} network '{}' must have {} or name attribute", ip.v4() ? "IPv4" : "IPv6",
                        network.name, ip.v4() ? "mac" : "id"));
  }
  if (!host.ip) FailXml("Missing IP address in static host definition" + where);
  host.lease = ReadLease(element);
  return host;
}

void ReadIps(Parser& p, NetworkDef& def, const xml::Node& element) {
  for (const xml::Node* node = element.Child("ip"); node; node = node->Next("ip")) def.ips.push_back(ReadIp(p, def, *node));
}

void WriteIps(Formatter& f, const NetworkDef& def) {
  xml::Writer& out = f.out();
  for (const NetworkIp& ip : def.ips) {
    out.Open("ip");
    if (!ip.family.empty()) f.Attr("family", ip.family);
    f.Attr("address", ip.address.ToString());
    if (ip.netmask) f.Attr("netmask", ip.netmask->ToString());
    if (ip.prefix) f.Attr("prefix", ip.prefix);
    if (ip.local_ptr != YesNo::kAbsent) f.Attr("localPtr", ToString(ip.local_ptr));
    if (!ip.tftp_root.empty()) {
      out.Open("tftp");
      f.Attr("root", ip.tftp_root);
      out.Close("tftp");
    }
    if (ip.has_dhcp()) WriteDhcp(f, ip);
    out.Close("ip");
  }
}

// --- <route> ---------------------------------------------------------------------------------------------

NetworkRoute ReadRoute(Parser& p, const std::string& whose, const xml::Node& element) {
  auto fail = [&](std::string text) { FailXml(whose + ": " + text); };
  NetworkRoute route;
  std::optional<unsigned> prefix;
  p.Value(element, "prefix", prefix);
  p.Value(element, "metric", route.metric, Fault::kXml, kNonZero);
  auto address = element.Attr("address"), gateway = element.Attr("gateway");
  if (!address) fail("Missing required address attribute in route definition");
  auto ip = Ip::Parse(*address);
  if (!ip) fail("Bad network address '" + std::string(*address) + "' in route definition");
  route.address = *ip;
  if (!gateway) fail("Missing required gateway attribute in route definition");
  auto via = Ip::Parse(*gateway);
  if (!via) fail("Bad gateway address '" + std::string(*gateway) + "' in route definition");
  route.gateway = *via;
  route.prefix = prefix;
  route.family = element.AttrOr("family");

  bool v6 = route.family == "ipv6";
  std::string wanted = v6 ? "IPv6" : "IPv4";
  if (!route.family.empty() && !v6 && route.family != "ipv4") fail("Unrecognized family '" + route.family + "' in route definition");
  for (auto [what, one] : {std::pair("address", &route.address), std::pair("gateway", &route.gateway)}) {
    if (one->v4() != v6) continue;
    std::string how = route.family.empty() ? "No family specified" : route.family + " family specified";
    fail(how + " for non-" + wanted + " " + what + " '" + one->ToString() + "' in route definition");
  }
  if (auto mask = element.Attr("netmask")) {
    if (v6) fail("Specifying netmask invalid for IPv6 address '" + route.address.ToString() + "' in route definition");
    if (prefix) fail("Route definition cannot have both a prefix and a netmask");
    route.netmask = Ip::Parse(*mask);
    if (!route.netmask || !route.netmask->v4()) fail("Bad netmask address '" + std::string(*mask) + "' in route definition");
  }
  if (prefix && *prefix > route.address.width()) {
    fail(fmt::format("Invalid prefix {} specified in route definition, must be 0 - {}", *prefix, route.address.width()));
  }
  // Classes do not count here: without a prefix it has to be the default route's.
  bool open = !prefix && !route.netmask && !route.address.IsZero();
  if (open || route.address.Masked(PrefixOf(route)) != route.address) {
    fail("Address '" + route.address.ToString() + "' in route definition is not a network address");
  }
  return route;
}

void ReadRoutes(Parser& p, NetworkDef& def, const xml::Node& element) {
  for (const xml::Node* node = element.Child("route"); node; node = node->Next("route")) {
    NetworkRoute route = ReadRoute(p, def.name, *node);
    bool reachable = false;
    for (const NetworkIp& ip : def.ips) {
      unsigned prefix = PrefixOf(ip);
      reachable |= ip.v4() == route.gateway.v4() && ip.address.Masked(prefix) == route.gateway.Masked(prefix);
    }
    if (!reachable) {
      FailUnsupported("unreachable static route gateway '" + route.gateway.ToString() + "' specified for network '" + def.name + "'");
    }
    def.routes.push_back(std::move(route));
  }
}

void WriteRoutes(Formatter& f, const NetworkDef& def) {
  for (const NetworkRoute& route : def.routes) {
    f.out().Open("route");
    if (!route.family.empty()) f.Attr("family", route.family);
    f.Attr("address", route.address.ToString());
    if (route.netmask) f.Attr("netmask", route.netmask->ToString());
    if (route.prefix) f.Attr("prefix", *route.prefix);
    f.Attr("gateway", route.gateway.ToString());
    if (route.metric) f.Attr("metric", route.metric);
    f.out().Close("route");
  }
}

}  // namespace bv::model
