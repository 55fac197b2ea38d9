#include "model/domain/interface.h"

#include <fmt/core.h>

#include "model/domain/chardev_parts.h"
#include "model/domain/descriptions.h"
#include "model/domain/hostdev_parts.h"

namespace bv::model {

namespace {

using I = Interface;
using T = InterfaceType;

template <T... Types>
bool Is(const I& i) {
  return ((i.type == Types) || ...);
}

bool IsVirtio(const I& i) { return i.model == "virtio" || i.model == "virtio-transitional" || i.model == "virtio-non-transitional"; }

// --- <mac> -------------------------------------------------------------------------------------------------

void ReadMac(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* mac = element.Child("mac");
  if (!mac) return;
  if (auto text = mac->Attr("address")) {
    i.mac = MacAddress::Parse(*text);
    if (!i.mac) p.Fail(Fault::kDomainXml, "unable to parse mac address '" + std::string(*text) + "'");
    if (i.mac->bytes[0] & 1) p.Fail(Fault::kDomainXml, "expected unicast mac address, found multicast '" + std::string(*text) + "'");
  }
  p.Value(*mac, "type", i.mac_type, Fault::kXml, kNonZero);
  p.Value(*mac, "check", i.mac_check);
}
void WriteMac(Formatter& f, const I& i) {
  if (!i.mac) return;
  f.out().Open("mac");
  char buffer[18];
  f.Attr("address", i.mac->FormatTo(buffer));
  if (i.mac_type != MacType::kDefault) f.Attr("type", ToString(i.mac_type));
  if (i.mac_check != YesNo::kAbsent) f.Attr("check", ToString(i.mac_check));
  f.out().Close("mac");
}

// --- <source> ------------------------------------------------------------------------------------------------

constexpr RowOf<VdsSource> kVdsRows[] = {
    Attr<&VdsSource::switch_id>("switchid").Required().Fails(Fault::kInternal).FailsMissing(Fault::kXml),
    Attr<&VdsSource::port_id>("portid").Required().Always(),
    Attr<&VdsSource::portgroup_id>("portgroupid").Required(),
    Attr<&VdsSource::connection_id>("connectionid").Required().Always(),
};
constexpr Description<VdsSource> kVds{kVdsRows};

constexpr RowOf<I> kLocalRows[] = {
    Attr<&I::local_address>("address").Required(),
    Attr<&I::local_port>("port").Required().Always(),
};

constexpr RowOf<I> kSourceRows[] = {
    Attr<&I::network>("network").Required().When<&Is<T::kNetwork>>(),
    Attr<&I::portgroup>("portgroup").When<&Is<T::kNetwork>>(),
    Attr<&I::port_id>("portid").When<&Is<T::kNetwork>>().LiveOnly(),
    Attr<&I::bridge>("bridge").Required().When<&Is<T::kBridge>>(),
    Attr<&I::mac_table_manager>("macTableManager").NonZero().When<&Is<T::kBridge>>(),
    Attr<&I::source_dev>("dev").Required().When<&Is<T::kDirect, T::kVdpa>>(),
    Attr<&I::direct_mode>("mode").Fails(Fault::kXml).When<&Is<T::kDirect>>(),
    Attr<&I::internal_name>("name").Required().When<&Is<T::kInternal>>(),
    Attr<&I::address>("address").When<&Is<T::kServer>>(),
    Attr<&I::address>("address").Required().When<&Is<T::kClient, T::kMcast, T::kUdp>>(),
    Attr<&I::port>("port").Required().Always().When<&Is<T::kServer, T::kClient, T::kMcast, T::kUdp>>(),
    Group("local", kLocalRows).Required().Fails(Fault::kDomainXml).When<&Is<T::kUdp>>(),
    Include<&I::vds>(kVds).When<&Is<T::kVds>>(),
    Child<&I::host_ips>("ip", kIpAddress).When<&Is<T::kEthernet>>(),
    Child<&I::host_routes>("route", kIpRoute).When<&Is<T::kEthernet>>(),
};
constexpr Description<I> kSource{kSourceRows};

void ReadVhostUser(Parser& p, I& i, const xml::Node& source) {
  std::string_view type = source.AttrOr("type"), path = source.AttrOr("path"), mode = source.AttrOr("mode");
  if (!source.Attr("type")) p.MissingAttribute(source, "type");
  if (type != "unix") p.Fail(Fault::kUnsupported, "Type='" + std::string(type) + "' unsupported for <interface type='vhostuser'>");
  if (path.empty()) p.Fail(Fault::kDomainXml, "No <source> 'path' attribute specified with <interface type='vhostuser'/>");
  if (mode.empty()) p.Fail(Fault::kDomainXml, "No <source> 'mode' attribute specified with <interface type='vhostuser'/>");
  i.vhostuser->type = ChardevType::kUnix;
  i.vhostuser->path = path;
  if (mode == "server") i.vhostuser->listen = true;
  else if (mode != "client") p.Fail(Fault::kUnsupported, "Wrong <source> 'mode' attribute specified with <interface type='vhostuser'/>");
  if (const xml::Node* reconnect = source.Child("reconnect")) {
    if (i.vhostuser->listen) p.Fail(Fault::kUnsupported, "'reconnect' attribute unsupported 'server' mode for <interface type='vhostuser'>");
    p.Read(kReconnect, i.vhostuser->reconnect, *reconnect);
  }
}
void WriteVhostUser(Formatter& f, const I& i) {
  f.out().Open("source");
  f.Attr("type", "unix");
  f.Attr("path", i.vhostuser->path);
  f.Attr("mode", i.vhostuser->listen ? "server" : "client");
  f.WriteUnlessEmpty("reconnect", kReconnect, i.vhostuser->reconnect);
  f.out().Close("source");
}

void ReadSource(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* source = element.Child("source");
  switch (i.type) {
    case T::kHostdev:
      p.Value(element, "managed", i.hostdev->managed, Fault::kXml, kIgnoreBad);
      ReadHostdevSource(p, *i.hostdev, element);
      return;
    case T::kVhostUser:
      if (!source) p.Fail(Fault::kDomainXml, "No <source> element specified with <interface type='vhostuser'/>");
      return ReadVhostUser(p, i, *source);
    case T::kServer:
    case T::kClient:
    case T::kMcast:
    case T::kUdp:
      if (!source) p.Fail(Fault::kDomainXml, "No <source> 'port' attribute specified with socket interface");
      break;
    case T::kNetwork:
    case T::kBridge:
    case T::kDirect:
    case T::kInternal:
    case T::kVdpa:
    case T::kVds:
      if (!source) p.Fail(Fault::kDomainXml, "No <source> element specified with <interface type='" + std::string(ToString(i.type)) + "'/>");
      break;
    default:
      break;
  }
  if (source) p.Read(kSource, i, *source);
}
// What the interface is connected to: live XML shows that, other forms what it was defined as.
bool ShowsActual(const Formatter& f, const I& i) { return i.actual && !f.inactive() && !f.status(); }
const I& Shown(const Formatter& f, const I& i) { return ShowsActual(f, i) ? i.actual->connection : i; }

constexpr RowOf<I> kConnectionRows[] = {
    Attr<&I::bridge>("bridge").When<&Is<T::kNetwork, T::kBridge>>(),
    Attr<&I::mac_table_manager>("macTableManager").NonZero().When<&Is<T::kNetwork, T::kBridge>>(),
    Attr<&I::source_dev>("dev").When<&Is<T::kDirect>>(),
    Attr<&I::direct_mode>("mode").When<&Is<T::kDirect>>(),
};
constexpr Description<I> kConnection{kConnectionRows};

void WriteActualSource(Formatter& f, const I& i) {
  f.out().Open("source");
  f.Attr("network", i.network);
  if (!i.portgroup.empty()) f.Attr("portgroup", i.portgroup);
  if (i.port_id) f.Attr("portid", i.port_id->ToString());
  f.WriteInto(kConnection, i.actual->connection);
  f.out().Close("source");
}

void WriteSource(Formatter& f, const I& i) {
  if (ShowsActual(f, i)) return WriteActualSource(f, i);
  if (i.type == T::kHostdev) return WriteHostdevSource(f, *i.hostdev);
  if (i.type == T::kVhostUser) return WriteVhostUser(f, i);
  f.WriteUnlessEmpty("source", kSource, i);
}

// --- <virtualport> ---------------------------------------------------------------------------------------------

void ReadVirtualPort(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* node = element.Child("virtualport");
  if (!node) return;
  if (!Is<T::kNetwork, T::kBridge, T::kDirect, T::kHostdev>(i)) {
    p.Fail(Fault::kUnsupported, "<virtualport> element unsupported for <interface type='" + std::string(ToString(i.type)) + "'>");
  }
  VirtualPort& port = i.virtual_port.emplace();
  p.Read(kVirtualPort, port, *node);
  bool untyped_ok = i.type == T::kNetwork;
  if (port.type == VirtualPortType::kNone && !untyped_ok) {
    throw Error(ErrorDomain::kNone, ErrorCode::kXmlError, "missing required virtualport type");
  }
  // A port whose type the network will say gets both ids.
  bool untyped = port.type == VirtualPortType::kNone;
  if ((untyped || port.type == VirtualPortType::k8021Qbg) && !port.instance_id) port.instance_id = Uuid::Generate();
  if ((untyped || port.type == VirtualPortType::kOpenvswitch) && !port.interface_id) port.interface_id = Uuid::Generate();
  if (port.type == VirtualPortType::kMidonet && !port.interface_id) {
    throw Error(ErrorDomain::kNone, ErrorCode::kXmlError, "missing interfaceid parameter in <virtualport> of type 'midonet'");
  }
}
void WriteVirtualPort(Formatter& f, const I& interface) {
  const I& i = Shown(f, interface);
  if (!i.virtual_port) return;
  bool empty = i.virtual_port->type == VirtualPortType::kNone && !i.virtual_port->manager_id && !i.virtual_port->type_id &&
               !i.virtual_port->type_id_version && !i.virtual_port->instance_id && !i.virtual_port->interface_id &&
               i.virtual_port->profile_id.empty();
  if (!empty) f.Write("virtualport", kVirtualPort, *i.virtual_port);
}

// --- <driver>, <backend> -----------------------------------------------------------------------------------------

constexpr RowOf<NetOffloads> kHostOffloadRows[] = {
    Attr<&NetOffloads::csum>("csum"),
    Attr<&NetOffloads::gso>("gso"),
    Attr<&NetOffloads::tso4>("tso4"),
    Attr<&NetOffloads::tso6>("tso6"),
    Attr<&NetOffloads::ecn>("ecn"),
    Attr<&NetOffloads::ufo>("ufo"),
    Attr<&NetOffloads::mrg_rxbuf>("mrg_rxbuf"),
};
constexpr Description<NetOffloads> kHostOffloads{kHostOffloadRows};
constexpr RowOf<NetOffloads> kGuestOffloadRows[] = {
    Attr<&NetOffloads::csum>("csum"),
    Attr<&NetOffloads::tso4>("tso4"),
    Attr<&NetOffloads::tso6>("tso6"),
    Attr<&NetOffloads::ecn>("ecn"),
    Attr<&NetOffloads::ufo>("ufo"),
};
constexpr Description<NetOffloads> kGuestOffloads{kGuestOffloadRows};

using D = NetDriver;
constexpr RowOf<D> kDriverRows[] = {
    Attr<&D::name>("name").NonZero(),
    Attr<&D::txmode>("txmode").NonZero(),
    Attr<&D::ioeventfd>("ioeventfd"),
    Attr<&D::event_idx>("event_idx"),
    Attr<&D::queues>("queues").Positive(),
    Attr<&D::rx_queue_size>("rx_queue_size").Positive(),
    Attr<&D::tx_queue_size>("tx_queue_size").Positive(),
    Attr<&D::rss>("rss"),
    Attr<&D::rss_hash_report>("rss_hash_report"),
    Include<&D::virtio>(kVirtioOptions),
    Child<&D::host>("host", kHostOffloads),
    Child<&D::guest>("guest", kGuestOffloads),
};
constexpr Description<D> kDriver{kDriverRows};

void ReadDriver(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* driver = element.Child("driver");
  if (!driver || i.type == T::kHostdev) return;
  if (IsVirtio(i)) p.Read(kDriver, i.driver, *driver);
  else p.Read(kVirtioOptions, i.driver.virtio, *driver);
}
void WriteDriver(Formatter& f, const I& i) {
  if (i.type != T::kHostdev) f.WriteUnlessEmpty("driver", kDriver, i.driver);
}
// Of a device of the host it is the host's driver, and stands elsewhere.
void ReadHostdevDriver(Parser& p, I& i, const xml::Node& element) {
  if (const xml::Node* driver = element.Child("driver")) p.Value(*driver, "name", i.hostdev->pci.backend, Fault::kXml, kNonZero);
}
void WriteHostdevDriver(Formatter& f, const I& i) {
  if (i.hostdev->pci.backend == PciBackend::kDefault) return;
  f.out().Open("driver");
  f.Attr("name", ToString(i.hostdev->pci.backend));
  f.out().Close("driver");
}

// The manual has type='passt', but the release has nothing behind it.
constexpr char kPasst[] = "passt";
constexpr RowOf<NetBackend> kBackendRows[] = {
    Attr<&NetBackend::tap>("tap"),
    Attr<&NetBackend::vhost>("vhost"),
};
constexpr Description<NetBackend> kBackend{kBackendRows};
void ReadBackend(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* node = element.Child("backend");
  if (!node) return;
  p.Read(kBackend, i.backend, *node);
  if (auto type = node->Attr("type"); type && *type != kPasst) p.BadAttribute(*node, "type", *type);
}
void WriteBackend(Formatter& f, const I& i) {
  auto mark = f.out().Open("backend");
  f.WriteInto(kBackend, i.backend);
  f.out().CloseUnlessEmpty("backend", mark);
}

// --- the rest ------------------------------------------------------------------------------------------------------

constexpr RowOf<PortForwardRange> kRangeRows[] = {
    Attr<&PortForwardRange::start>("start").NonZero(),
    Attr<&PortForwardRange::end>("end").NonZero(),
    Attr<&PortForwardRange::to>("to").NonZero(),
    Attr<&PortForwardRange::exclude>("exclude"),
};
constexpr Description<PortForwardRange> kRange{kRangeRows};
constexpr RowOf<PortForward> kForwardRows[] = {
    Attr<&PortForward::proto>("proto").Required().NonZero(),
    Attr<&PortForward::address>("address"),
    Attr<&PortForward::dev>("dev"),
    Child<&PortForward::ranges>("range", kRange),
};
constexpr Description<PortForward> kForward{kForwardRows};

void ReadTarget(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* target = element.Child("target");
  if (!target) return;
  p.Value(*target, "managed", i.target.managed);
  std::string_view dev = target->AttrOr("dev");
  // Names that the daemon makes up are not the user's: the next start makes new ones.
  bool automatic = dev.starts_with("vnet") || dev.starts_with("macvtap") || dev.starts_with("macvlan");
  if (i.target.managed != YesNo::kNo && p.inactive() && automatic) return;
  i.target.dev = dev;
}
void WriteTarget(Formatter& f, const I& i) {
  auto mark = f.out().Open("target");
  if (!i.target.dev.empty() && !(f.inactive() && i.target.dev.starts_with("vnet") && i.target.managed != YesNo::kNo)) f.Attr("dev", i.target.dev);
  if (i.target.managed != YesNo::kAbsent) f.Attr("managed", ToString(i.target.managed));
  f.out().CloseUnlessEmpty("target", mark);
}

constexpr RowOf<I> kGuestRows[] = {
    Attr<&I::guest_dev>("dev"),
    Attr<&I::guest_actual>("actual"),
};
constexpr RowOf<I> kScriptRows[] = {Attr<&I::script>("path")};
constexpr RowOf<I> kDownscriptRows[] = {Attr<&I::downscript>("path")};
constexpr RowOf<I> kDomainRows[] = {Attr<&I::domain_name>("name")};
constexpr RowOf<I> kModelRows[] = {Attr<&I::model>("type")};
constexpr RowOf<I> kLinkRows[] = {Attr<&I::link>("state").NonZero()};
constexpr RowOf<I> kMtuRows[] = {Attr<&I::mtu>("size")};
constexpr RowOf<I> kSndbufRows[] = {TextChild<&I::sndbuf>("sndbuf")};
constexpr RowOf<I> kFramesRows[] = {Attr<&I::coalesce_rx_frames_max>("max")};
constexpr RowOf<I> kRxRows[] = {Group("frames", kFramesRows)};
constexpr RowOf<I> kCoalesceRows[] = {Group("rx", kRxRows)};
constexpr RowOf<I> kTeamingRows[] = {
    Attr<&I::teaming>("type").Required().NonZero().Fails(Fault::kUnsupported),
    Attr<&I::teaming_persistent>("persistent"),
};

void ReadFilter(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* node = element.Child("filterref");
  if (!node) return;
  if (!Is<T::kEthernet, T::kNetwork, T::kBridge>(i)) return;
  p.Read(kFilterRef, i.filter.emplace(), *node);
}
void WriteFilter(Formatter& f, const I& i) {
  if (i.filter && !i.filter->filter.empty()) f.Write("filterref", kFilterRef, *i.filter);
}

// --- what a network makes of it ----------------------------------------------------------------------------------

void ReadType(Parser& p, I& i, const xml::Node& element) {
  if (!p.Value(element, "type", i.type) && p.validating()) p.Fail(Fault::kDomainXml, xml::PathOf(element) + ": missing attribute 'type'");
}
void WriteType(Formatter& f, const I& i) { f.Attr("type", ToString(Shown(f, i).type)); }
void ReadVlan(Parser& p, I& i, const xml::Node& element) {
  if (const xml::Node* node = element.Child("vlan")) p.Read(kVlan, i.vlan.emplace(), *node);
}
void WriteVlan(Formatter& f, const I& i) {
  if (auto& vlan = Shown(f, i).vlan) f.Write("vlan", kVlan, *vlan);
}
void ReadBandwidth(Parser& p, I& i, const xml::Node& element) {
  if (const xml::Node* node = element.Child("bandwidth")) p.Read(kBandwidth, i.bandwidth.emplace(), *node);
}
void WriteBandwidth(Formatter& f, const I& i) {
  if (auto& bandwidth = Shown(f, i).bandwidth) f.WriteUnlessEmpty("bandwidth", kBandwidth, *bandwidth);
}
void ReadPort(Parser& p, I& i, const xml::Node& element) {
  if (const xml::Node* node = element.Child("port")) p.Value(*node, "isolated", i.isolated);
}
void WritePort(Formatter& f, const I& i) {
  YesNo isolated = Shown(f, i).isolated;
  if (isolated == YesNo::kAbsent) return;
  f.out().Open("port");
  f.Attr("isolated", ToString(isolated));
  f.out().Close("port");
}

void ReadConnection(Parser& p, I& i, const xml::Node& element) {
  if (const xml::Node* source = element.Child("source")) p.Read(kConnection, i, *source);
}
void WriteConnection(Formatter& f, const I& i) { f.WriteUnlessEmpty("source", kConnection, i); }

constexpr RowOf<I> kActualRows[] = {
    Custom<&ReadType, &WriteType>("@type"),
    Attr<&I::trust_guest_rx_filters>("trustGuestRxFilters"),
    Custom<&ReadConnection, &WriteConnection>("source"),
    Custom<&ReadVlan, &WriteVlan>("vlan"),
    Custom<&ReadVirtualPort, &WriteVirtualPort>("virtualport"),
    Custom<&ReadBandwidth, &WriteBandwidth>("bandwidth"),
    Custom<&ReadPort, &WritePort>("port"),
};
constexpr Description<I> kActual{kActualRows};

void ReadActual(Parser& p, I& i, const xml::Node& element) {
  const xml::Node* node = element.Child("actual");
  if (!node || i.type != T::kNetwork) return;
  i.actual = std::make_shared<ActualInterface>();
  p.Read(kActual, i.actual->connection, *node);
}
void WriteActual(Formatter& f, const I& i) {
  if (i.actual) f.Write("actual", kActual, i.actual->connection);
}

void WriteManaged(Formatter& f, const I& i) {
  if (i.type == T::kHostdev && i.hostdev->managed == YesNo::kYes) f.Attr("managed", "yes");
}
void Nothing(Parser&, I&, const xml::Node&) {}

constexpr RowOf<I> kRows[] = {
    Custom<&ReadType, &WriteType>("@type"),
    Custom<&Nothing, &WriteManaged>("@managed"),
    Attr<&I::trust_guest_rx_filters>("trustGuestRxFilters"),
    Custom<&ReadMac, &WriteMac>("mac(@address @type @check)"),
    Custom<&ReadHostdevDriver, &WriteHostdevDriver>("driver").When<&Is<T::kHostdev>>(),
    Custom<&ReadActual, &WriteActual>("actual").StatusOnly(),
    Custom<&ReadSource, &WriteSource>("source"),
    Custom<&ReadVlan, &WriteVlan>("vlan"),
    Custom<&ReadVirtualPort, &WriteVirtualPort>("virtualport"),
    Custom<&ReadBandwidth, &WriteBandwidth>("bandwidth"),
    Custom<&ReadPort, &WritePort>("port(@isolated)"),
    Child<&I::ips>("ip", kIpAddress),
    Child<&I::routes>("route", kIpRoute),
    Child<&I::port_forwards>("portForward", kForward),
    Group("script", kScriptRows),
    Group("downscript", kDownscriptRows),
    Group("backenddomain", kDomainRows),
    Custom<&ReadTarget, &WriteTarget>("target(@dev @managed)"),
    Group("guest", kGuestRows),
    Group("model", kModelRows),
    Custom<&ReadDriver, &WriteDriver>("driver"),
    Custom<&ReadBackend, &WriteBackend>("backend(@type @tap @vhost @logFile)"),
    Custom<&ReadFilter, &WriteFilter>("filterref"),
    Group("tune", kSndbufRows),
    Group("teaming", kTeamingRows),
    Group("link", kLinkRows),
    Group("mtu", kMtuRows),
    Group("coalesce", kCoalesceRows),
    Include<&I::info>(kDeviceInfo),
};

void CheckInterface(Parser& p, I& i, const xml::Node& element) {
  if (i.model.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
    p.Fail(Fault::kInvalidArg, "Model name contains invalid characters");
  }
  if (i.teaming == TeamingType::kTransient && i.teaming_persistent.empty()) p.Fail(Fault::kUnsupported, "missing required 'persistent' attribute in <interface> <teaming> element with type='transient'");
  if (i.teaming == TeamingType::kPersistent && !i.teaming_persistent.empty()) p.Fail(Fault::kUnsupported, "'persistent' attribute not allowed in <interface> <teaming> element with type='persistent'");
  const xml::Node* backend = element.Child("backend");
  if (backend && backend->AttrOr("type") == kPasst) p.FailBeyondSchema(Fault::kDomainXml, "Invalid value for attribute 'type' in element 'backend': 'passt'.");
}

}  // namespace

constinit const Description<Interface> kInterface = Describe<&CheckInterface>(kRows);

}  // namespace bv::model
