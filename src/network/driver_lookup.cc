// Questions about networks.

#include "base/error.h"
#include "network/leases.h"
#include "network/network_driver.h"

namespace bv::network {

using namespace remote;

namespace {

// virConnectListAllNetworksFlags
enum : unsigned { kInactive = 1, kActive = 2, kPersistent = 4, kTransient = 8, kAutostart = 16, kNoAutostart = 32, kAllFilters = 63 };
constexpr unsigned kXmlInactive = 1;
// virNetworkEventID
enum { kLifecycleEvent = 0, kMetadataChangeEvent = 1 };

bool Passes(const Network& network, unsigned flags) {
  auto wanted = [=](unsigned yes, unsigned no, bool is) { return !(flags & (yes | no)) || (flags & (is ? yes : no)); };
  return wanted(kActive, kInactive, network.active()) && wanted(kPersistent, kTransient, network.persistent()) &&
         wanted(kAutostart, kNoAutostart, network.autostart);
}

template <typename Names>
void List(const NetworkList& networks, bool active, std::int64_t max, Names& names) {
  for (auto& network : networks.all()) {
    if (network->active() == active && static_cast<std::int64_t>(names.size()) < max) names.push_back(network->name());
  }
}

std::int32_t Count(const NetworkList& networks, bool active) {
  std::int32_t count = 0;
  for (auto& network : networks.all()) count += network->active() == active;
  return count;
}

}  // namespace

Task<ConnectNumOfNetworksRet> NetworkDriver::CountActive(Call&) {
  ConnectNumOfNetworksRet ret;
  ret.num = Count(networks_, true);
  co_return ret;
}

Task<ConnectNumOfDefinedNetworksRet> NetworkDriver::CountInactive(Call&) {
  ConnectNumOfDefinedNetworksRet ret;
  ret.num = Count(networks_, false);
  co_return ret;
}

Task<ConnectListNetworksRet> NetworkDriver::ListActive(Call&, ConnectListNetworksArgs args) {
  ConnectListNetworksRet ret;
  List(networks_, true, args.maxnames, ret.names);
  co_return ret;
}

Task<ConnectListDefinedNetworksRet> NetworkDriver::ListInactive(Call&, ConnectListDefinedNetworksArgs args) {
  ConnectListDefinedNetworksRet ret;
  List(networks_, false, args.maxnames, ret.names);
  co_return ret;
}

Task<ConnectListAllNetworksRet> NetworkDriver::ListAll(Call&, ConnectListAllNetworksArgs args) {
  RefuseFlags(args.flags, kAllFilters, "networkConnectListAllNetworks");
  ConnectListAllNetworksRet ret;
  for (auto& network : networks_.all()) {
    if (!Passes(*network, args.flags)) continue;
    ++ret.ret;
    if (args.need_results) ret.nets.push_back(Reference(*network));
  }
  co_return ret;
}

Task<NetworkLookupByUuidRet> NetworkDriver::LookupByUuid(Call&, NetworkLookupByUuidArgs args) {
  NetworkPtr network = networks_.FindUuid(args.uuid);
  if (!network) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kNoNetwork, "no network with matching uuid '" + args.uuid.ToString() + "'");
  }
  NetworkLookupByUuidRet ret;
  ret.net = Reference(*network);
  co_return ret;
}

NetworkPtr NetworkDriver::FindByName(const std::string& name) const {
  if (NetworkPtr network = networks_.FindName(name)) return network;
  throw Error(ErrorDomain::kNetwork, ErrorCode::kNoNetwork, "no network with matching name '" + name + "'");
}

Task<NetworkLookupByNameRet> NetworkDriver::LookupByName(Call&, NetworkLookupByNameArgs args) {
  NetworkLookupByNameRet ret;
  ret.net = Reference(*FindByName(args.name));
  co_return ret;
}

Task<NetworkGetXmlDescRet> NetworkDriver::GetXml(Call&, NetworkGetXmlDescArgs args) {
  RefuseFlags(args.flags, kXmlInactive, "networkGetXMLDesc");
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  bool inactive = args.flags & kXmlInactive;
  NetworkGetXmlDescRet ret;
  ret.xml = model::FormatNetwork(inactive ? network->inactive_def() : network->def(), inactive ? model::kNetworkInactive : 0);
  co_return ret;
}

Task<NetworkGetBridgeNameRet> NetworkDriver::GetBridgeName(Call&, NetworkGetBridgeNameArgs args) {
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  NetworkGetBridgeNameRet ret;
  ret.name = network->def().bridge.name;
  if (ret.name.empty()) {
    throw Error(ErrorDomain::kNetwork, ErrorCode::kInternalError, "network '" + network->name() + "' does not have a bridge name.");
  }
  co_return ret;
}

Task<NetworkGetAutostartRet> NetworkDriver::GetAutostart(Call&, NetworkGetAutostartArgs args) {
  NetworkGetAutostartRet ret;
  ret.autostart = networks_.Get(args.net.uuid, args.net.name)->autostart;
  co_return ret;
}

Task<NetworkIsActiveRet> NetworkDriver::IsActive(Call&, NetworkIsActiveArgs args) {
  NetworkIsActiveRet ret;
  ret.active = networks_.Get(args.net.uuid, args.net.name)->active();
  co_return ret;
}

Task<NetworkIsPersistentRet> NetworkDriver::IsPersistent(Call&, NetworkIsPersistentArgs args) {
  NetworkIsPersistentRet ret;
  ret.persistent = networks_.Get(args.net.uuid, args.net.name)->persistent();
  co_return ret;
}

Task<NetworkGetDhcpLeasesRet> NetworkDriver::GetLeases(Call&, NetworkGetDhcpLeasesArgs args) {
  RefuseFlags(args.flags, 0, "networkGetDHCPLeases");
  NetworkPtr network = networks_.Get(args.net.uuid, args.net.name);
  model::NetworkDef def = network->def();
  NetworkGetDhcpLeasesRet ret;
  std::optional<model::MacAddress> mac;
  if (args.mac) {
    mac = model::MacAddress::Parse(*args.mac);
    if (!mac) throw Error(ErrorDomain::kNetwork, ErrorCode::kInvalidMac, *args.mac);
  }
  auto read = [path = paths_.Leases(def.bridge.name)] { return ReadLeases(path); };
  auto leases = co_await Offload(read);
  for (const Lease& lease : leases) {
    if (mac && model::MacAddress::Parse(lease.mac) != mac) continue;
    NetworkDhcpLease one = Describe(lease, def);
    ++ret.ret;
    if (args.need_results) ret.leases.push_back(std::move(one));
  }
  co_return ret;
}

Task<ConnectNetworkEventRegisterAnyRet> NetworkDriver::Subscribe(Call& call, ConnectNetworkEventRegisterAnyArgs args) {
  ConnectNetworkEventRegisterAnyRet ret;
  ret.callbackID = events_.Add(call.client(), args.eventID, args.net ? std::optional(args.net->uuid) : std::nullopt);
  co_return ret;
}

Task<> NetworkDriver::Unsubscribe(Call& call, ConnectNetworkEventDeregisterAnyArgs args) {
  events_.Remove(call.client(), args.callbackID);
  co_return;
}

void NetworkDriver::TellLifecycle(const NonnullNetwork& network, int event) {
  NetworkEventLifecycleMsg message{0, network, event, 0};
  events_.Tell<proc::NetworkEventLifecycle>(kLifecycleEvent, network.uuid, message);
}

}  // namespace bv::network
