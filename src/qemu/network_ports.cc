#include "qemu/network_ports.h"

#include "base/error.h"
#include "base/log.h"
#include "daemon/network_source.h"
#include "model/network_port.h"

namespace bv::qemu {

using model::Interface;
using model::InterfaceType;

namespace {

model::NetworkPortDef Ask(const Interface& net, const std::string& domain, const Uuid& domain_uuid) {
  model::NetworkPortDef port;
  port.uuid = Uuid::Generate();
  port.owner_name = domain;
  port.owner_uuid = domain_uuid;
  port.group = net.portgroup;
  port.mac = net.mac;
  port.virtual_port = net.virtual_port;
  port.bandwidth = net.bandwidth;
  port.vlan = net.vlan;
  port.trust_guest_rx_filters = net.trust_guest_rx_filters;
  port.isolated = net.isolated;
  return port;
}

std::shared_ptr<model::ActualInterface> Connection(const model::NetworkPortDef& port) {
  auto actual = std::make_shared<model::ActualInterface>();
  Interface& connection = actual->connection;
  switch (port.plug.type) {
    case model::PlugType::kNetwork: connection.type = InterfaceType::kNetwork; break;
    case model::PlugType::kBridge: connection.type = InterfaceType::kBridge; break;
    case model::PlugType::kDirect: connection.type = InterfaceType::kDirect; break;
    default:
      throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                  "interfaces of networks that give out devices (" + std::string(ToString(port.plug.type)) + ") are not supported yet");
  }
  connection.bridge = port.plug.bridge;
  connection.source_dev = port.plug.dev;
  connection.direct_mode = port.plug.mode;
  connection.mac_table_manager = port.plug.mac_table_manager;
  connection.virtual_port = port.virtual_port;
  connection.bandwidth = port.bandwidth;
  connection.vlan = port.vlan;
  connection.trust_guest_rx_filters = port.trust_guest_rx_filters;
  connection.isolated = port.isolated;
  return actual;
}

}  // namespace

Task<> ClaimNetworkPort(std::string domain, Uuid domain_uuid, Interface& net) {
  if (net.type != InterfaceType::kNetwork || net.actual) co_return;
  model::NetworkPortDef asked = Ask(net, domain, domain_uuid);
  std::string network = net.network, request = model::FormatNetworkPort(asked);
  auto answer = co_await NetworkSource::Get().CreatePort(network, request);
  std::exception_ptr unusable;
  try {
    net.actual = Connection(model::ParseNetworkPort(answer, 0));
    net.port_id = asked.uuid;
  } catch (const Error&) {
    unusable = std::current_exception();
  }
  if (!unusable) co_return;
  std::vector<NetworkPort> made = {{network, asked.uuid}};
  co_await ReleaseNetworkPorts(std::move(made));
  std::rethrow_exception(unusable);
}

Task<> ReleaseNetworkPorts(std::vector<NetworkPort> ports) {
  for (const NetworkPort& port : ports) {
    try {
      std::string network = port.network;
      co_await NetworkSource::Get().DeletePort(network, port.port);
    } catch (const Error& error) {
      LogWarn("qemu.qemu_process", "port {} of network '{}' stays: {}", port.port.ToString(), port.network, error.message);
    }
  }
}

std::vector<NetworkPort> NetworkPortsOf(const model::DomainDef& def) {
  std::vector<NetworkPort> ports;
  for (auto& net : def.interfaces) {
    if (net->type == InterfaceType::kNetwork && net->actual && net->port_id) ports.push_back({net->network, *net->port_id});
  }
  return ports;
}

}  // namespace bv::qemu
