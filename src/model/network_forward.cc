#include "model/domain/descriptions.h"
#include "model/network_parts.h"

// <forward>: how a network reaches beyond this host.
namespace bv::model {

namespace {

using N = NetworkForward;

std::string Quoted(const NetworkDef& def) { return " in network " + def.name; }

void ReadNatAddresses(Parser& p, NetworkDef& def, const xml::Node& address) {
  auto read = [&](const char* name) -> std::string {
    auto text = address.Attr(name);
    if (!text) p.Fail(Fault::kDomainXml, std::string("missing '") + name + "' attribute in <address> element in <nat> in <forward>" + Quoted(def));
    return std::string(*text);
  };
  auto parse = [&](const std::string& text, const char* name) {
    auto ip = Ip::Parse(text);
    if (!ip || !ip->v4()) p.Fail(Fault::kDomainXml, std::string("Bad ipv4 ") + name + " address '" + text + "' in <nat> in <forward>" + Quoted(def));
    return *ip;
  };
  std::string start = read("start"), end = read("end");
  def.forward.address_start = parse(start, "start");
  def.forward.address_end = parse(end, "end");
  CheckAddressRange(*def.forward.address_start, *def.forward.address_end);
}

void ReadNatPorts(Parser& p, NetworkDef& def, const xml::Node& port) {
  auto read = [&](const char* name, unsigned lowest) {
    auto number = ParseNumber<std::uint32_t>(port.AttrOr(name));
    if (!number || *number > 65535 || *number < lowest) {
      p.Fail(Fault::kXmlDetail, std::string("Missing or invalid '") + name + "' attribute in <port> in <nat> in <forward>" + Quoted(def));
    }
    return *number;
  };
  def.forward.port_start = read("start", 0);
  def.forward.port_end = read("end", def.forward.port_start);
}

void ReadNat(Parser& p, NetworkDef& def, const xml::Node& nat) {
  if (def.forward.mode != ForwardMode::kNat) {
    p.Fail(Fault::kDomainXml, "The <nat> element can only be used when <forward> 'mode' is 'nat'" + Quoted(def));
  }
  p.Value(nat, "ipv6", def.forward.nat_ipv6, Fault::kXml, kNonZero);
  auto only = [&](const char* name) {
    if (nat.CountChildren(name) > 1) p.Fail(Fault::kDomainXml, std::string("Only one <") + name + "> element is allowed in <nat> in <forward>" + Quoted(def));
    return nat.Child(name);
  };
  const xml::Node *address = only("address"), *port = only("port");
  if (address) ReadNatAddresses(p, def, *address);
  if (port) ReadNatPorts(p, def, *port);
}

bool SameDevice(const ForwardInterface& a, const ForwardInterface& b) {
  if (a.is_pci != b.is_pci) return false;
  return a.is_pci ? a.pci.SamePlace(b.pci) : a.dev == b.dev;
}

void AddOnce(Parser& p, NetworkDef& def, ForwardInterface device, const std::string& what) {
  for (auto& other : def.forward.interfaces) {
    if (SameDevice(other, device)) p.Fail(Fault::kDomainXml, what + " can only be listed once in network " + def.name);
  }
  def.forward.interfaces.push_back(std::move(device));
}

void ReadInterfaces(Parser& p, NetworkDef& def, const xml::Node& forward) {
  for (const xml::Node* node = forward.Child("interface"); node; node = node->Next("interface")) {
    ForwardInterface device = ParseForwardInterface(def, *node);
    std::string name = device.dev;
    AddOnce(p, def, std::move(device), "interface '" + name + "'");
  }
  auto dev = NotEmpty(forward, "dev");
  if (!dev) return;
  if (def.forward.interfaces.empty()) {
    def.forward.interfaces.emplace_back().dev = *dev;
  } else if (def.forward.interfaces[0].dev != *dev) {
    p.Fail(Fault::kDomainXml, "<forward dev='" + std::string(*dev) + "'> must match first <interface dev='" +
                                  def.forward.interfaces[0].dev + "'/>" + Quoted(def));
  }
}

void ReadAddresses(Parser& p, NetworkDef& def, const xml::Node& forward) {
  for (const xml::Node* node = forward.Child("address"); node; node = node->Next("address")) {
    auto type = node->Attr("type");
    if (!type) p.Fail(Fault::kDomainXml, "missing address type" + Quoted(def));
    if (*type != "pci") p.Fail(Fault::kUnsupported, "unknown address type '" + std::string(*type) + "'" + Quoted(def));
    ForwardInterface device;
    device.is_pci = true;
    p.Read(kPciAddress, device.pci, *node);
    AddOnce(p, def, std::move(device), "PCI device");
  }
}

}  // namespace

ForwardInterface ParseForwardInterface(const NetworkDef& network, const xml::Node& element) {
  auto dev = element.Attr("dev");
  if (!dev) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kXmlError,
                "Missing required dev attribute in <forward> <interface> element of network " + network.name);
  }
  ForwardInterface device;
  device.dev = *dev;
  device.connections = ParseNumber<std::uint32_t>(element.AttrOr("connections")).value_or(0);
  return device;
}

void ReadForward(Parser& p, NetworkDef& def, const xml::Node& element) {
  const xml::Node* forward = element.Child("forward");
  if (!forward) return;
  def.forward.mode = ForwardMode::kNat;
  if (auto mode = NotEmpty(*forward, "mode")) {
    auto known = FromString<ForwardMode>(*mode);
    if (!known) p.Fail(Fault::kUnsupported, "unknown forwarding type '" + std::string(*mode) + "'");
    def.forward.mode = *known;
  }
  def.forward.managed = forward->AttrOr("managed") == "yes";
  const xml::Node* driver = forward->Child("driver");
  if (auto name = driver ? driver->Attr("name") : std::nullopt) {
    auto known = FromString<ForwardDriver>(*name);
    if (!known || *known == ForwardDriver::kDefault) {
      p.Fail(Fault::kUnsupported, "Unknown forward <driver name='" + std::string(*name) + "'/>" + Quoted(def));
    }
    def.forward.driver = *known;
  }
  auto only = [&](const char* name) {
    if (forward->CountChildren(name) > 1) p.Fail(Fault::kDomainXml, std::string("Only one <") + name + "> element is allowed in <forward> of network " + def.name);
    return forward->Child(name);
  };
  if (const xml::Node* nat = only("nat")) ReadNat(p, def, *nat);
  if (forward->Child("interface") || NotEmpty(*forward, "dev")) {
    ReadInterfaces(p, def, *forward);
  } else if (forward->Child("address")) {
    ReadAddresses(p, def, *forward);
  } else if (const xml::Node* pf = only("pf")) {
    auto dev = pf->Attr("dev");
    if (!dev) p.Fail(Fault::kDomainXml, "Missing required dev attribute in <pf> element of network '" + def.name + "'");
    def.forward.pf = *dev;
  }
}

void WriteForward(Formatter& f, const NetworkDef& def) {
  const N& forward = def.forward;
  if (forward.mode == ForwardMode::kNone) return;
  xml::Writer& out = f.out();
  out.Open("forward");
  // The devices of a physical one are found anew at every start.
  bool with_devices = forward.pf.empty() || !f.inactive();
  if (with_devices && !forward.interfaces.empty() && !forward.interfaces[0].is_pci) f.Attr("dev", forward.interfaces[0].dev);
  f.Attr("mode", ToString(forward.mode));
  if (forward.mode == ForwardMode::kHostdev) f.Attr("managed", forward.managed ? "yes" : "no");
  if (forward.driver != ForwardDriver::kDefault) {
    out.Open("driver");
    f.Attr("name", ToString(forward.driver));
    out.Close("driver");
  }
  bool addresses = forward.address_start && forward.address_end, ports = forward.port_start || forward.port_end;
  if (forward.mode == ForwardMode::kNat && (addresses || ports || forward.nat_ipv6 != YesNo::kAbsent)) {
    out.Open("nat");
    if (forward.nat_ipv6 != YesNo::kAbsent) f.Attr("ipv6", ToString(forward.nat_ipv6));
    if (addresses) {
      out.Open("address");
      f.Attr("start", forward.address_start->ToString());
      f.Attr("end", forward.address_end->ToString());
      out.Close("address");
    }
    if (ports) {
      out.Open("port");
      f.Attr("start", forward.port_start);
      f.Attr("end", forward.port_end);
      out.Close("port");
    }
    out.Close("nat");
  }
  if (!forward.pf.empty()) {
    out.Open("pf");
    f.Attr("dev", forward.pf);
    out.Close("pf");
  }
  for (const ForwardInterface& device : forward.interfaces) {
    if (!with_devices) break;
    const char* name = device.is_pci ? "address" : "interface";
    out.Open(name);
    if (device.is_pci) {
      f.Attr("type", "pci");
      f.WriteInto(kPciAddress, device.pci);
    } else {
      f.Attr("dev", device.dev);
    }
    if (!f.inactive() && device.connections > 0) f.Attr("connections", device.connections);
    out.Close(name);
  }
  out.Close("forward");
}

}  // namespace bv::model
