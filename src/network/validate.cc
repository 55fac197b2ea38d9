#include "network/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "host/net_link.h"

namespace bv::network {

using model::ForwardMode;
using model::NetworkDef;
using model::VirtualPortType;

namespace {

[[noreturn]] void Unsupported(std::string text) { throw Error(ErrorDomain::kNetwork, ErrorCode::kConfigUnsupported, std::move(text)); }

// Of networks that guests are connected to from outside: nothing here serves them.
void CheckNoServices(const NetworkDef& def) {
  std::string mode(ToString(def.forward.mode));
  auto refuse = [&](const char* element) {
    Unsupported(std::string("Unsupported <") + element + "> element in network " + def.name + " with forward mode='" + mode + "'");
  };
  if (def.mac_given) refuse("mac");
  if (!def.ips.empty()) refuse("ip");
  // Forwarders and switches alone are let pass, as ever.
  if (!def.dns.txts.empty() || !def.dns.hosts.empty() || !def.dns.srvs.empty()) refuse("dns");
  if (def.domain) refuse("domain");
  if (def.bandwidth && def.bridge.name.empty()) {
    Unsupported("Unsupported network-wide <bandwidth> element in network " + def.name + " with forward mode='" + mode + "'");
  }
}

void CheckDevices(const NetworkDef& def) {
  bool by_address = def.forward.mode == ForwardMode::kHostdev;
  for (auto& device : def.forward.interfaces) {
    if (!by_address) {
      if (!device.is_pci) continue;
      Unsupported("network '" + def.name + "' has forward mode '" + std::string(ToString(def.forward.mode)) +
                  "'  but lists a device by PCI address in the device pool. This is only supported for networks with forward mode 'hostdev'");
    }
    if (!device.is_pci) {
      Unsupported("hostdev network '" + def.name + "' lists '" + device.dev +
                  "' in the device pool, but hostdev networks require all devices to be listed by PCI address, not network device name");
    }
    std::string path = fmt::format("/sys/bus/pci/devices/{:04x}:{:02x}:{:02x}.{:x}", device.pci.domain, device.pci.bus, device.pci.slot,
                                   device.pci.function);
    if (!FileExists(path + "/physfn")) Unsupported("device '" + path + "' in network '" + def.name + "' is not an SR-IOV Virtual Function");
  }
}

// Tags are put on by what the traffic goes through: only some kinds of devices do.
void CheckVlan(const NetworkDef& def) {
  bool by_mode = def.forward.mode == ForwardMode::kHostdev || def.forward.mode == ForwardMode::kPassthrough;
  auto ovs = [](const std::optional<model::VirtualPort>& port) { return port && port->type == VirtualPortType::kOpenvswitch; };
  bool network_can = by_mode || (def.forward.mode == ForwardMode::kBridge && ovs(def.virtual_port));
  bool used = def.vlan && !network_can;
  for (auto& group : def.port_groups) {
    // A port of its own has the last word.
    bool can = group.virtual_port ? def.forward.mode == ForwardMode::kBridge && ovs(group.virtual_port) : network_can;
    used |= group.vlan && !can;
  }
  if (used) Unsupported("<vlan> element specified for network " + def.name + ", whose type doesn't support vlan configuration");
}

void CheckPortGroups(const NetworkDef& def) {
  std::set<std::string> names;
  const model::PortGroup* default_group = nullptr;
  for (auto& group : def.port_groups) {
    if (!names.insert(group.name).second) {
      Unsupported("multiple <portgroup> elements with the same name (" + group.name + ") in network '" + def.name + "'");
    }
    if (!group.is_default) continue;
    if (default_group) {
      Unsupported("network '" + def.name + "' has multiple default <portgroup> elements (" + default_group->name + " and " + group.name +
                  "), but only one default is allowed");
    }
    default_group = &group;
  }
}

void CheckDhcp(const NetworkDef& def) {
  bool seen[2] = {};
  for (auto& ip : def.ips) {
    if (!ip.has_dhcp()) continue;
    if (seen[ip.v4()]) {
      Unsupported(fmt::format("Multiple IPv{0} dhcp sections found -- dhcp is supported only for a single IPv{0} address on each network",
                              ip.v4() ? 4 : 6));
    }
    seen[ip.v4()] = true;
  }
}

}  // namespace

void CheckDefinition(const NetworkDef& def) {
  if (!def.has_own_bridge()) CheckNoServices(def);
  CheckDhcp(def);
  CheckDevices(def);
  CheckPortGroups(def);
  CheckVlan(def);
}

void CompleteBridge(NetworkDef& def, const NetworkList& list) {
  if (!def.has_own_bridge()) return;
  if (!def.mac) def.mac = model::MacAddress::Generate();
  auto number = def.bridge.name.find("%d");
  if (!def.bridge.name.empty() && number == def.bridge.name.npos) {
    if (!list.BridgeTaken(def.bridge.name, def.name)) return;
    throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "bridge name '" + def.bridge.name + "' already in use.");
  }
  std::string before = "virbr", after;
  if (number != def.bridge.name.npos) {
    before = def.bridge.name.substr(0, number);
    after = def.bridge.name.substr(number + 2);
  }
  for (int i = 0; i <= 256; ++i) {
    std::string name = before + std::to_string(i) + after;
    if (list.BridgeTaken(name, def.name) || host::NetLink::Exists(name)) continue;
    def.bridge.name = name;
    return;
  }
  throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "Bridge generation exceeded max id 256");
}

void CompleteLive(NetworkDef& def) {
  auto& forward = def.forward;
  if (forward.mode != ForwardMode::kNat || forward.port_start || forward.port_end) return;
  forward.port_start = 1024;
  forward.port_end = 65535;
}

}  // namespace bv::network
