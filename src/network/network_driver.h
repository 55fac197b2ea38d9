#pragma once

#include <optional>

#include "base/wait.h"
#include "daemon/network_source.h"
#include "daemon/object_driver.h"
#include "network/starter.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::network {

// virtnetworkd's driver: networks, their ports, leases and events.
class NetworkDriver : public ObjectDriver, public NetworkSource {
 public:
  explicit NetworkDriver(const DriverEnvironment& environment);
  ~NetworkDriver() override;

  Task<> Start() override;
  Task<> Reload() override;
  void Register(Service& service) override;
  bool HasActiveObjects() const override;
  bool Quiet() const override { return !changes_.held(); }

  Task<std::string> CreatePort(std::string network, std::string port) override;
  Task<> DeletePort(std::string network, Uuid port) override;

 private:
  // driver_lookup.cc
  Task<remote::ConnectNumOfNetworksRet> CountActive(Call& call);
  Task<remote::ConnectNumOfDefinedNetworksRet> CountInactive(Call& call);
  Task<remote::ConnectListNetworksRet> ListActive(Call& call, remote::ConnectListNetworksArgs args);
  Task<remote::ConnectListDefinedNetworksRet> ListInactive(Call& call, remote::ConnectListDefinedNetworksArgs args);
  Task<remote::ConnectListAllNetworksRet> ListAll(Call& call, remote::ConnectListAllNetworksArgs args);
  Task<remote::NetworkLookupByUuidRet> LookupByUuid(Call& call, remote::NetworkLookupByUuidArgs args);
  Task<remote::NetworkLookupByNameRet> LookupByName(Call& call, remote::NetworkLookupByNameArgs args);
  Task<remote::NetworkGetXmlDescRet> GetXml(Call& call, remote::NetworkGetXmlDescArgs args);
  Task<remote::NetworkGetBridgeNameRet> GetBridgeName(Call& call, remote::NetworkGetBridgeNameArgs args);
  Task<remote::NetworkGetAutostartRet> GetAutostart(Call& call, remote::NetworkGetAutostartArgs args);
  Task<remote::NetworkIsActiveRet> IsActive(Call& call, remote::NetworkIsActiveArgs args);
  Task<remote::NetworkIsPersistentRet> IsPersistent(Call& call, remote::NetworkIsPersistentArgs args);
  Task<remote::NetworkGetDhcpLeasesRet> GetLeases(Call& call, remote::NetworkGetDhcpLeasesArgs args);
  Task<remote::ConnectNetworkEventRegisterAnyRet> Subscribe(Call& call, remote::ConnectNetworkEventRegisterAnyArgs args);
  Task<> Unsubscribe(Call& call, remote::ConnectNetworkEventDeregisterAnyArgs args);
  // driver_lifecycle.cc
  Task<remote::NetworkDefineXmlRet> DefineXml(Call& call, remote::NetworkDefineXmlArgs args);
  Task<remote::NetworkDefineXmlFlagsRet> DefineXmlFlags(Call& call, remote::NetworkDefineXmlFlagsArgs args);
  Task<remote::NetworkCreateXmlRet> CreateXml(Call& call, remote::NetworkCreateXmlArgs args);
  Task<remote::NetworkCreateXmlFlagsRet> CreateXmlFlags(Call& call, remote::NetworkCreateXmlFlagsArgs args);
  Task<> Undefine(Call& call, remote::NetworkUndefineArgs args);
  Task<> Create(Call& call, remote::NetworkCreateArgs args);
  Task<> Destroy(Call& call, remote::NetworkDestroyArgs args);
  Task<> SetAutostart(Call& call, remote::NetworkSetAutostartArgs args);
  Task<> Update(Call& call, remote::NetworkUpdateArgs args);
  // driver_ports.cc
  Task<remote::NetworkListAllPortsRet> ListPorts(Call& call, remote::NetworkListAllPortsArgs args);
  Task<remote::NetworkPortLookupByUuidRet> LookupPort(Call& call, remote::NetworkPortLookupByUuidArgs args);
  Task<remote::NetworkPortCreateXmlRet> CreatePortXml(Call& call, remote::NetworkPortCreateXmlArgs args);
  Task<remote::NetworkPortGetXmlDescRet> GetPortXml(Call& call, remote::NetworkPortGetXmlDescArgs args);
  Task<> DeletePortCall(Call& call, remote::NetworkPortDeleteArgs args);
  Task<remote::NetworkPortGetParametersRet> GetPortParameters(Call& call, remote::NetworkPortGetParametersArgs args);
  Task<> SetPortParameters(Call& call, remote::NetworkPortSetParametersArgs args);

  NetworkPtr FindByName(const std::string& name) const;  // kNoNetwork
  Task<AsyncMutex::Lock> BeginChange();
  Task<model::NetworkDef> ReadDefinition(std::string xml, bool validate);
  Task<remote::NonnullNetwork> Define(std::string xml, unsigned flags);
  Task<remote::NonnullNetwork> CreateTransient(std::string xml, unsigned flags);
  // To disk, then into memory.
  Task<> SaveConfig(NetworkPtr network, model::NetworkDef def);
  Task<> SaveStatus(NetworkPtr network);
  Task<> SavePort(NetworkPtr network, model::NetworkPortDef port);
  // Which guest has which addresses: what libnss_libvirt_guest reads.
  Task<> SaveMacs(NetworkPtr network);
  Task<> AddPort(NetworkPtr network, model::NetworkPortDef port, bool reclaim);
  Task<> ForgetPort(NetworkPtr network, model::NetworkPortDef port);
  Task<> RemovePort(NetworkPtr network, Uuid uuid);
  Task<> StartNetwork(NetworkPtr network);
  Task<> StopNetwork(NetworkPtr network);
  void LoadAll();
  // After a start of the daemon: what networks need and may have lost.
  Task<> Refresh(NetworkPtr network, bool dnsmasq);
  Task<> AutostartAll();
  void TellLifecycle(const remote::NonnullNetwork& network, int event);

  const NetworkPaths paths_;
  std::function<void()> on_idle_;
  NetworkStarter starter_;
  NetworkList networks_;
  AsyncMutex changes_;  // one at a time: rules and bridges are the host's
  ObjectEvents events_{"network", 2, "network"};
};

inline remote::NonnullNetwork Reference(const Network& network) { return {network.name(), network.uuid()}; }
void RefuseFlags(unsigned flags, unsigned known, const char* function);

}  // namespace bv::network
