#include "network/port_allocation.h"

#include <algorithm>

#include "base/error.h"

namespace bv::network {

using model::ForwardMode;
using model::NetworkDef;
using model::NetworkPortDef;
using model::PlugType;
using model::VirtualPort;
using model::YesNo;

namespace {

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kNetwork, code, std::move(text)); }

const model::PortGroup* GroupOf(const NetworkDef& network, const std::string& name) {
  for (auto& group : network.port_groups) {
    if (name.empty() ? group.is_default : group.name == name) return &group;
  }
  return nullptr;  // one that is not there says nothing
}

// What each says and none contradicts: the port first, then its group, then the network.
void Merge(std::optional<VirtualPort>& into, const std::optional<VirtualPort>& from) {
  if (!from) return;
  if (!into) {
    into = from;
    return;
  }
  auto take = [](auto& to, auto& value, const char* what) {
    if (!value) return;
    if (to && *to != *value) Fail(ErrorCode::kXmlError, std::string("attempt to merge virtualports with mismatched ") + what);
    to = value;
  };
  if (into->type != model::VirtualPortType::kNone && from->type != model::VirtualPortType::kNone && into->type != from->type) {
    Fail(ErrorCode::kXmlError, "attempt to merge virtualports with mismatched types");
  }
  if (into->type == model::VirtualPortType::kNone) into->type = from->type;
  take(into->manager_id, from->manager_id, "managerids");
  take(into->type_id, from->type_id, "typeids");
  take(into->type_id_version, from->type_id_version, "typeidversions");
  take(into->instance_id, from->instance_id, "instanceids");
  take(into->interface_id, from->interface_id, "interfaceids");
  if (into->profile_id.empty()) into->profile_id = from->profile_id;
}

// Ids that belong to another type of port than it turned out to be go, missing ones are made.
void Complete(std::optional<VirtualPort>& port) {
  if (!port) return;
  using T = model::VirtualPortType;
  if (port->type == T::kNone) {
    port.reset();
    return;
  }
  if (port->type != T::k8021Qbg) port->instance_id.reset();
  if (port->type != T::kOpenvswitch && port->type != T::kMidonet) port->interface_id.reset();
  if (port->type == T::k8021Qbg && !port->instance_id) port->instance_id = Uuid::Generate();
  if (port->type == T::kOpenvswitch && !port->interface_id) port->interface_id = Uuid::Generate();
}

// `bridge`: it is plugged into one.
void CheckVirtualPort(const NetworkDef& network, const NetworkPortDef& port, bool bridge) {
  if (!port.virtual_port) return;
  using T = model::VirtualPortType;
  T type = port.virtual_port->type;
  bool own = network.has_own_bridge(), device = network.forward.mode == ForwardMode::kHostdev;
  const char* what = own ? "IP forwarding" : bridge ? "a bridge device" : device ? "an SR-IOV Virtual Function via PCI passthrough" : "a macvtap device";
  bool possible = bridge ? !own && (type == T::kOpenvswitch || type == T::kMidonet) : type == T::k8021Qbh || (!device && type == T::k8021Qbg);
  if (possible) return;
  Fail(ErrorCode::kConfigUnsupported,
       "<virtualport type='" + std::string(ToString(type)) + "'> not supported for network '" + network.name + "' which uses " + what);
}

void CheckFloor(const NetworkDef& network, const NetworkPortDef& port) {
  if (!port.bandwidth || !port.bandwidth->in || !port.bandwidth->in->floor) return;
  char mac[18] = "";
  std::string text = "Invalid use of 'floor' on interface with MAC address " + std::string(port.mac ? port.mac->FormatTo(mac) : std::string_view()) + " - ";
  if (!network.has_own_bridge()) text += "'floor' is only supported for interface type 'network' with forward type 'nat', 'route', 'open' or none";
  else if (!network.bandwidth || !network.bandwidth->in) text += "network '" + network.name + "' has no inbound QoS set";
  else text += "network '" + network.name + "' gives no guarantees to single interfaces";
  Fail(ErrorCode::kOperationUnsupported, std::move(text));
}

bool Exclusive(const NetworkDef& network, const NetworkPortDef& port) {
  return network.forward.mode == ForwardMode::kPassthrough || network.forward.mode == ForwardMode::kHostdev ||
         (network.forward.mode == ForwardMode::kPrivate && port.virtual_port && port.virtual_port->type == model::VirtualPortType::k8021Qbh);
}

bool Has(const model::ForwardInterface& device, const model::NetworkPlug& plug) {
  if (plug.type == PlugType::kDirect) return !device.is_pci && device.dev == plug.dev;
  return plug.type == PlugType::kHostdevPci && device.is_pci && device.pci.SamePlace(plug.address);
}

model::ForwardInterface* DeviceOf(NetworkDef& network, const NetworkPortDef& port) {
  auto found = std::ranges::find_if(network.forward.interfaces, [&](auto& device) { return Has(device, port.plug); });
  return found == network.forward.interfaces.end() ? nullptr : &*found;
}

// The one with the fewest guests; none of them may have any where it cannot be shared.
model::ForwardInterface& ChooseDevice(NetworkDef& network, const NetworkPortDef& port) {
  auto& pool = network.forward.interfaces;
  if (pool.empty()) Fail(ErrorCode::kInternalError, "network '" + network.name + "' uses a direct mode, but has no forward dev and no interface pool");
  auto best = std::ranges::min_element(pool, {}, &model::ForwardInterface::connections);
  if (Exclusive(network, port) && best->connections > 0) {
    Fail(ErrorCode::kInternalError, "network '" + network.name + "' requires exclusive access to interfaces, but none are available");
  }
  return *best;
}

model::MacvtapMode ModeOf(ForwardMode mode) {
  switch (mode) {
    case ForwardMode::kPrivate: return model::MacvtapMode::kPrivate;
    case ForwardMode::kVepa: return model::MacvtapMode::kVepa;
    case ForwardMode::kPassthrough: return model::MacvtapMode::kPassthrough;
    default: return model::MacvtapMode::kBridge;
  }
}

}  // namespace

void AllocatePort(NetworkDef& network, NetworkPortDef& port) {
  const model::PortGroup* group = GroupOf(network, port.group);
  if (!port.bandwidth && group) port.bandwidth = group->bandwidth;
  if (!port.vlan) port.vlan = group && group->vlan ? group->vlan : network.vlan;
  if (group) Merge(port.virtual_port, group->virtual_port);
  Merge(port.virtual_port, network.virtual_port);
  Complete(port.virtual_port);
  auto first = [](YesNo a, YesNo b, YesNo c) { return a != YesNo::kAbsent ? a : b != YesNo::kAbsent ? b : c; };
  port.trust_guest_rx_filters =
      first(port.trust_guest_rx_filters, group ? group->trust_guest_rx_filters : YesNo::kAbsent, network.trust_guest_rx_filters);
  port.isolated = first(port.isolated, network.isolated_ports, YesNo::kAbsent);

  model::NetworkPlug& plug = port.plug = {};
  bool to_bridge = network.has_own_bridge() || (network.forward.mode == ForwardMode::kBridge && !network.bridge.name.empty());
  CheckVirtualPort(network, port, to_bridge);
  CheckFloor(network, port);
  if (to_bridge) {
    plug.type = network.has_own_bridge() ? PlugType::kNetwork : PlugType::kBridge;
    plug.bridge = network.bridge.name;
    plug.mac_table_manager = network.bridge.mac_table_manager;
  } else {
    model::ForwardInterface& device = ChooseDevice(network, port);
    ++device.connections;
    if (network.forward.mode == ForwardMode::kHostdev) {
      plug.type = PlugType::kHostdevPci;
      plug.address = device.pci;
      plug.managed = model::ToYesNo(network.forward.managed);
      plug.driver = network.forward.driver;
    } else {
      plug.type = PlugType::kDirect;
      plug.dev = device.dev;
      plug.mode = ModeOf(network.forward.mode);
    }
  }
  ++network.connections;
}

void ClaimPort(NetworkDef& network, const NetworkPortDef& port) {
  bool by_device = port.plug.type == PlugType::kDirect || port.plug.type == PlugType::kHostdevPci;
  if (by_device) {
    model::ForwardInterface* device = DeviceOf(network, port);
    if (!device) Fail(ErrorCode::kInternalError, "network '" + network.name + "' doesn't have the device that its port uses");
    ++device->connections;
  }
  ++network.connections;
}

void ReleasePort(NetworkDef& network, const NetworkPortDef& port) {
  model::ForwardInterface* device = DeviceOf(network, port);
  if (device && device->connections > 0) --device->connections;
  if (network.connections > 0) --network.connections;
}

}  // namespace bv::network
