#include "model/network.h"

#include <fmt/format.h>

#include "model/domain/descriptions.h"
#include "model/network_parts.h"

namespace bv::model {

namespace {

using N = NetworkDef;

constexpr char kDnsmasqNamespace[] = "http://libvirt.org/schemas/network/dnsmasq/1.0";

std::string In(const N& def) { return " in network '" + def.name + "'"; }

bool MakesBridge(const N& def) { return def.has_own_bridge(); }

// --- the head --------------------------------------------------------------------------------------------

void ReadHead(Parser& p, N& def, const xml::Node& element) {
  def.name = element.ChildText("name").value_or("");
  if (def.name.empty()) throw Error(ErrorDomain::kNetwork, ErrorCode::kNoName);
  for (char bad : {'/', '\n'}) {
    if (def.name.find(bad) != def.name.npos) throw Error(ErrorDomain::kXml, ErrorCode::kXmlDetail, std::string("invalid char in name: ") + bad);
  }
  auto uuid = element.ChildText("uuid");
  if (!uuid || uuid->empty()) {
    def.uuid = Uuid::Generate();
  } else if (auto parsed = Uuid::Parse(*uuid)) {
    def.uuid = *parsed;
  } else {
    p.Fail(Fault::kInternal, "malformed uuid element");
  }
  auto ipv6 = NotEmpty(element, "ipv6");
  if (ipv6 && *ipv6 != "yes" && *ipv6 != "no") p.Fail(Fault::kDomainXml, "Invalid ipv6 setting '" + std::string(*ipv6) + "'" + In(def));
  def.ipv6 = ipv6 == "yes";
  p.Value(element, "trustGuestRxFilters", def.trust_guest_rx_filters, Fault::kXml, kNonZero);
}
void WriteHead(Formatter& f, const N& def) {
  if (!def.dnsmasq_options.empty()) f.Attr("xmlns:dnsmasq", kDnsmasqNamespace);
  if (!f.inactive() && def.connections > 0) f.Attr("connections", def.connections);
  if (def.ipv6) f.Attr("ipv6", "yes");
  if (def.trust_guest_rx_filters != YesNo::kAbsent) f.Attr("trustGuestRxFilters", ToString(def.trust_guest_rx_filters));
  f.out().TextElement("name", def.name);
  f.out().TextElement("uuid", def.uuid.ToString());
}

void ReadMetadata(Parser&, N& def, const xml::Node& element) {
  const xml::Node* metadata = element.Child("metadata");
  if (!metadata) return;
  xml::Writer copy(1);
  if (metadata->text.empty()) copy.Copy(*metadata);
  else copy.EmptyElement("metadata");
  def.metadata = copy.Take();
}
void WriteMetadata(Formatter& f, const N& def) {
  if (!def.metadata.empty()) f.out().Verbatim(def.metadata);
}

// --- the bridge ------------------------------------------------------------------------------------------

void CheckBridge(Parser& p, const N& def, const xml::Node* bridge) {
  if (MakesBridge(def) || !bridge) return;
  std::string mode(ToString(def.forward.mode)), where = " (network '" + def.name + "')";
  if (def.forward.mode != ForwardMode::kBridge) {
    std::string never = " not allowed in " + mode + " mode" + where;
    if (!def.bridge.name.empty()) p.Fail(Fault::kDomainXml, "bridge name" + never);
    if (!def.bridge.zone.empty()) p.Fail(Fault::kDomainXml, "bridge zone" + never);
    if (def.bridge.mac_table_manager != MacTableManager::kDefault) p.Fail(Fault::kDomainXml, "bridge macTableManager setting" + never);
  }
  if (def.bridge.delay || NotEmpty(*bridge, "stp") || !def.bridge.zone.empty()) {
    p.Fail(Fault::kDomainXml, "bridge delay/stp/zone options only allowed in open, route, nat, and isolated mode, not in " + mode + where);
  }
  if (!def.bridge.name.empty() && (!def.forward.interfaces.empty() || !def.forward.pf.empty())) {
    p.Fail(Fault::kDomainXml, "A network with forward mode='" + mode + "' can specify a bridge name or a forward dev, but not both" + where);
  }
}

void ReadBridge(Parser& p, N& def, const xml::Node& element) {
  const xml::Node *bridge = element.Child("bridge"), *mtu = element.Child("mtu"), *mac = element.Child("mac");
  if (bridge) {
    def.bridge.name = bridge->AttrOr("name");
    def.bridge.zone = bridge->AttrOr("zone");
    def.bridge.stp = bridge->AttrOr("stp") != "off";
    if (auto text = NotEmpty(*bridge, "delay")) {
      auto delay = ParseNumber<std::uint64_t>(*text);
      if (!delay) p.Fail(Fault::kDomainXml, "Invalid delay value" + In(def));
      def.bridge.delay = *delay;
    }
    if (auto text = NotEmpty(*bridge, "macTableManager")) {
      auto manager = FromString<MacTableManager>(*text);
      if (!manager) p.Fail(Fault::kDomainXml, "Invalid macTableManager setting '" + std::string(*text) + "'" + In(def));
      def.bridge.mac_table_manager = *manager;
    }
  }
  CheckBridge(p, def, bridge);
  if (auto text = mtu ? NotEmpty(*mtu, "size") : std::nullopt) {
    // Negative numbers wrap around, as everywhere that libvirt reads unsigned ones so.
    auto size = ParseNumber<std::int64_t>(*text);
    if (!size || *size > UINT32_MAX || *size < -static_cast<std::int64_t>(UINT32_MAX)) {
      p.Fail(Fault::kDomainXml, "Invalid mtu size '" + std::string(*text) + "'" + In(def));
    }
    def.mtu = static_cast<unsigned>(*size);
    if (def.mtu && !MakesBridge(def)) {
      p.Fail(Fault::kDomainXml, "mtu size only allowed in open, route, nat, and isolated mode, not in " +
                                    std::string(ToString(def.forward.mode)) + " (network '" + def.name + "')");
    }
  }
  if (auto text = mac ? NotEmpty(*mac, "address") : std::nullopt) {
    def.mac = MacAddress::Parse(*text);
    if (!def.mac) p.Fail(Fault::kDomainXml, "Invalid bridge mac address '" + std::string(*text) + "'" + In(def));
    if (def.mac->bytes[0] & 1) p.Fail(Fault::kDomainXml, "Invalid multicast bridge mac address '" + std::string(*text) + "'" + In(def));
    def.mac_given = true;
  }
}
void WriteBridge(Formatter& f, const N& def) {
  xml::Writer& out = f.out();
  auto mark = out.Open("bridge");
  if (!def.bridge.name.empty()) f.Attr("name", def.bridge.name);
  if (!def.bridge.zone.empty()) f.Attr("zone", def.bridge.zone);
  if (MakesBridge(def)) {
    f.Attr("stp", def.bridge.stp ? "on" : "off");
    f.Attr("delay", def.bridge.delay);
  }
  if (def.bridge.mac_table_manager != MacTableManager::kDefault) f.Attr("macTableManager", ToString(def.bridge.mac_table_manager));
  out.CloseUnlessEmpty("bridge", mark);
  if (def.mtu) {
    out.Open("mtu");
    f.Attr("size", def.mtu);
    out.Close("mtu");
  }
  if (def.mac) {
    char buffer[18];
    out.Open("mac");
    f.Attr("address", def.mac->FormatTo(buffer));
    out.Close("mac");
  }
}

void ReadDomain(Parser& p, N& def, const xml::Node& element) {
  const xml::Node* domain = element.Child("domain");
  if (!domain) return;
  def.domain = Given(*domain, "name");
  p.Value(*domain, "localOnly", def.domain_local, Fault::kXml, kNonZero);
}
void WriteDomain(Formatter& f, const N& def) {
  if (!def.domain) return;
  f.out().Open("domain");
  f.Attr("name", *def.domain);
  if (def.domain_local != YesNo::kAbsent) f.Attr("localOnly", ToString(def.domain_local));
  f.out().Close("domain");
}

// --- ports -----------------------------------------------------------------------------------------------

// Guarantees are for interfaces: a network has none to give, nor to its groups.
void CheckNoFloor(const std::optional<Bandwidth>& bandwidth, const xml::Node& element) {
  const xml::Node* node = element.Child("bandwidth");
  if (node && node->Attr("classID")) {
    throw Error(ErrorDomain::kNone, ErrorCode::kXmlDetail, "classID attribute not supported on <bandwidth> in this usage context");
  }
  if (bandwidth && bandwidth->in && bandwidth->in->floor) {
    throw Error(ErrorDomain::kNone, ErrorCode::kConfigUnsupported, "floor attribute is not supported for this config");
  }
}

// One that limits nothing is none.
bool HasBandwidth(const std::optional<Bandwidth>& bandwidth) { return bandwidth && (bandwidth->in || bandwidth->out); }

using G = PortGroup;
void ReadGroupHead(Parser& p, G& group, const xml::Node& element) {
  auto name = NotEmpty(element, "name");
  if (!name) p.Fail(Fault::kDomainXml, "Missing required name attribute in portgroup");
  group.name = *name;
  group.is_default = element.AttrOr("default") == "yes";
}
void WriteGroupHead(Formatter& f, const G& group) {
  f.Attr("name", group.name);
  if (group.is_default) f.Attr("default", "yes");
}
constexpr RowOf<G> kGroupRows[] = {
    Custom<&ReadGroupHead, &WriteGroupHead>("@name @default"),
    Attr<&G::trust_guest_rx_filters>("trustGuestRxFilters").NonZero(),
    Child<&G::vlan>("vlan", kVlan),
    Child<&G::virtual_port>("virtualport", kVirtualPortTemplate).With(kNotEmpty),
    Child<&G::bandwidth>("bandwidth", kBandwidth).With(kNotEmpty),
};
void CheckGroup(Parser&, G& group, const xml::Node& element) { CheckNoFloor(group.bandwidth, element); }
constexpr Description<G> kPortGroup = Describe<&CheckGroup>(kGroupRows);

constexpr RowOf<N> kPortRows[] = {Attr<&N::isolated_ports>("isolated").NonZero()};

void ReadOptions(Parser& p, N& def, const xml::Node& element) {
  for (const xml::Node* node = element.first_child; node; node = node->next) {
    if (node->ns != kDnsmasqNamespace || node->name != "options") continue;
    for (const xml::Node* option = node->first_child; option; option = option->next) {
      if (option->ns != kDnsmasqNamespace || option->name != "option") continue;
      auto value = option->Attr("value");
      if (!value) p.Fail(Fault::kInternal, "No dnsmasq options value specified");
      def.dnsmasq_options.emplace_back(*value);
    }
  }
}
void WriteOptions(Formatter& f, const N& def) {
  if (def.dnsmasq_options.empty()) return;
  f.out().Open("dnsmasq:options");
  for (const std::string& option : def.dnsmasq_options) {
    f.out().Open("dnsmasq:option");
    f.Attr("value", option);
    f.out().Close("dnsmasq:option");
  }
  f.out().Close("dnsmasq:options");
}

constexpr RowOf<N> kRows[] = {
    Custom<&ReadHead, &WriteHead>("@ipv6 @trustGuestRxFilters @connections name uuid"),
    Custom<&ReadMetadata, &WriteMetadata>("metadata"),
    Custom<&ReadForward, &WriteForward>("forward"),
    Custom<&ReadBridge, &WriteBridge>("bridge mtu mac"),
    Custom<&ReadDomain, &WriteDomain>("domain"),
    Custom<&ReadDns, &WriteDns>("dns"),
    Child<&N::vlan>("vlan", kVlan),
    Child<&N::bandwidth>("bandwidth", kBandwidth).With(kNotEmpty),
    Group("port", kPortRows),
    Custom<&ReadIps, &WriteIps>("ip"),
    Custom<&ReadRoutes, &WriteRoutes>("route"),
    Child<&N::virtual_port>("virtualport", kVirtualPortTemplate),
    Child<&N::port_groups>("portgroup", kPortGroup),
    Custom<&ReadOptions, &WriteOptions>("options"),
};

// What the parts say of each other.
void CheckNetwork(Parser& p, N& def, const xml::Node& element) {
  CheckNoFloor(def.bandwidth, element);
  if (!HasBandwidth(def.bandwidth)) def.bandwidth.reset();
  if (def.virtual_port && def.virtual_port->type == VirtualPortType::kNone) {
    throw Error(ErrorDomain::kNone, ErrorCode::kXmlError, "missing required virtualport type");
  }
  ForwardMode mode = def.forward.mode;
  std::string name = "network '" + def.name + "'";
  if (mode != ForwardMode::kNat && mode != ForwardMode::kRoute && mode != ForwardMode::kOpen) return;
  if (def.ips.empty()) {
    p.Fail(Fault::kDomainXml, std::string(ToString(mode)) + " forwarding requested, but no IP address provided for " + name);
  }
  if (mode == ForwardMode::kOpen && !def.forward.interfaces.empty()) {
    p.Fail(Fault::kDomainXml, "forward dev not allowed for " + name + " with forward mode='open'");
  }
  if (def.forward.interfaces.size() > 1) {
    p.Fail(Fault::kDomainXml, "multiple forwarding interfaces specified for " + name + ", only one is supported");
  }
}
constexpr Description<N> kNetwork = Describe<&CheckNetwork>(kRows);

}  // namespace

bool NetworkDef::has_own_bridge() const {
  return forward.mode == ForwardMode::kNone || forward.mode == ForwardMode::kNat || forward.mode == ForwardMode::kRoute ||
         forward.mode == ForwardMode::kOpen;
}

PortGroup ParsePortGroup(const xml::Node& element) {
  PortGroup group;
  Parser(ErrorDomain::kNetwork, 0).Read(kPortGroup, group, element);
  return group;
}

NetworkDef ParseNetwork(const xml::Node& root, unsigned flags) {
  if (flags & kNetworkValidate) {
    Validate(kNetwork, root);
    CheckNetworkSchema(root);
  }
  NetworkDef network;
  Parser(ErrorDomain::kNetwork, flags).Read(kNetwork, network, root);
  return network;
}

NetworkDef ParseNetwork(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNetwork, "network_definition", "network");
  return ParseNetwork(document.root(), flags);
}

void FormatNetwork(const NetworkDef& network, unsigned flags, xml::Writer& out) { Formatter(out, flags).Write("network", kNetwork, network); }

std::string FormatNetwork(const NetworkDef& network, unsigned flags) {
  xml::Writer out;
  FormatNetwork(network, flags, out);
  return out.Take();
}

}  // namespace bv::model
