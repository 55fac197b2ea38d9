#pragma once

#include "protocol/remote/types.h"

// Virtual networks and their ports.

namespace bv::remote {

inline constexpr uint32_t kNetworkDhcpLeasesMax = 65536;
inline constexpr uint32_t kNetworkListMax = 16384;
inline constexpr uint32_t kNetworkPortListMax = 16384;
inline constexpr uint32_t kNetworkPortParametersMax = 16;

struct ConnectListDefinedNetworksArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListDefinedNetworksRet {
  xdr::List<std::string, kNetworkListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(36, ConnectListDefinedNetworks, ConnectListDefinedNetworksArgs, ConnectListDefinedNetworksRet,
         .priority = true, .acl = {Permission::kConnectSearchNetworks},
         .filter = {Permission::kNetworkGetattr})

struct ConnectListNetworksArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListNetworksRet {
  xdr::List<std::string, kNetworkListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(38, ConnectListNetworks, ConnectListNetworksArgs, ConnectListNetworksRet, .priority = true,
         .acl = {Permission::kConnectSearchNetworks}, .filter = {Permission::kNetworkGetattr})

struct NetworkCreateArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(39, NetworkCreate, NetworkCreateArgs, void, .acl = {Permission::kNetworkStart})

struct NetworkCreateXmlArgs {
  std::string xml;
  XDR_FIELDS(xml)
};
struct NetworkCreateXmlRet {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(40, NetworkCreateXml, NetworkCreateXmlArgs, NetworkCreateXmlRet,
         .acl = {Permission::kNetworkWrite, Permission::kNetworkStart})

struct NetworkDefineXmlArgs {
  std::string xml;
  XDR_FIELDS(xml)
};
struct NetworkDefineXmlRet {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(41, NetworkDefineXml, NetworkDefineXmlArgs, NetworkDefineXmlRet, .priority = true,
         .acl = {Permission::kNetworkWrite, Permission::kNetworkSave})

struct NetworkDestroyArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(42, NetworkDestroy, NetworkDestroyArgs, void, .priority = true, .acl = {Permission::kNetworkStop})

struct NetworkGetXmlDescArgs {
  NonnullNetwork net;
  uint32_t flags = 0;
  XDR_FIELDS(net, flags)
};
struct NetworkGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(43, NetworkGetXmlDesc, NetworkGetXmlDescArgs, NetworkGetXmlDescRet, .priority = true,
         .acl = {Permission::kNetworkRead})

struct NetworkGetAutostartArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
struct NetworkGetAutostartRet {
  int32_t autostart = 0;
  XDR_FIELDS(autostart)
};
RPC_CALL(44, NetworkGetAutostart, NetworkGetAutostartArgs, NetworkGetAutostartRet, .priority = true,
         .acl = {Permission::kNetworkRead})

struct NetworkGetBridgeNameArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
struct NetworkGetBridgeNameRet {
  std::string name;
  XDR_FIELDS(name)
};
RPC_CALL(45, NetworkGetBridgeName, NetworkGetBridgeNameArgs, NetworkGetBridgeNameRet, .priority = true,
         .acl = {Permission::kNetworkRead})

struct NetworkLookupByNameArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NetworkLookupByNameRet {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(46, NetworkLookupByName, NetworkLookupByNameArgs, NetworkLookupByNameRet, .priority = true,
         .acl = {Permission::kNetworkGetattr})

struct NetworkLookupByUuidArgs {
  Uuid uuid;
  XDR_FIELDS(uuid)
};
struct NetworkLookupByUuidRet {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(47, NetworkLookupByUuid, NetworkLookupByUuidArgs, NetworkLookupByUuidRet, .priority = true,
         .acl = {Permission::kNetworkGetattr})

struct NetworkSetAutostartArgs {
  NonnullNetwork net;
  int32_t autostart = 0;
  XDR_FIELDS(net, autostart)
};
RPC_CALL(48, NetworkSetAutostart, NetworkSetAutostartArgs, void, .priority = true,
         .acl = {Permission::kNetworkWrite})

struct NetworkUndefineArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(49, NetworkUndefine, NetworkUndefineArgs, void, .priority = true,
         .acl = {Permission::kNetworkDelete})

struct ConnectNumOfDefinedNetworksRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(50, ConnectNumOfDefinedNetworks, void, ConnectNumOfDefinedNetworksRet, .priority = true,
         .acl = {Permission::kConnectSearchNetworks}, .filter = {Permission::kNetworkGetattr})

struct ConnectNumOfNetworksRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(52, ConnectNumOfNetworks, void, ConnectNumOfNetworksRet, .priority = true,
         .acl = {Permission::kConnectSearchNetworks}, .filter = {Permission::kNetworkGetattr})

struct NetworkIsActiveArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
struct NetworkIsActiveRet {
  int32_t active = 0;
  XDR_FIELDS(active)
};
RPC_CALL(152, NetworkIsActive, NetworkIsActiveArgs, NetworkIsActiveRet, .priority = true,
         .acl = {Permission::kNetworkRead})

struct NetworkIsPersistentArgs {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
struct NetworkIsPersistentRet {
  int32_t persistent = 0;
  XDR_FIELDS(persistent)
};
RPC_CALL(153, NetworkIsPersistent, NetworkIsPersistentArgs, NetworkIsPersistentRet, .priority = true,
         .acl = {Permission::kNetworkRead})

struct ConnectListAllNetworksArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllNetworksRet {
  xdr::List<NonnullNetwork, kNetworkListMax> nets;
  uint32_t ret = 0;
  XDR_FIELDS(nets, ret)
};
RPC_CALL(283, ConnectListAllNetworks, ConnectListAllNetworksArgs, ConnectListAllNetworksRet, .priority = true,
         .acl = {Permission::kConnectSearchNetworks}, .filter = {Permission::kNetworkGetattr})

struct NetworkUpdateArgs {
  NonnullNetwork net;
  uint32_t command = 0;
  uint32_t section = 0;
  int32_t parentIndex = 0;
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(net, command, section, parentIndex, xml, flags)
};
RPC_CALL(291, NetworkUpdate, NetworkUpdateArgs, void, .priority = true, .acl = kModifyNetwork)

struct ConnectNetworkEventRegisterAnyArgs {
  int32_t eventID = 0;
  std::optional<NonnullNetwork> net;
  XDR_FIELDS(eventID, net)
};
struct ConnectNetworkEventRegisterAnyRet {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(313, ConnectNetworkEventRegisterAny, ConnectNetworkEventRegisterAnyArgs,
         ConnectNetworkEventRegisterAnyRet, .priority = true, .acl = {Permission::kConnectSearchNetworks},
         .filter = {Permission::kNetworkGetattr})

struct ConnectNetworkEventDeregisterAnyArgs {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(314, ConnectNetworkEventDeregisterAny, ConnectNetworkEventDeregisterAnyArgs, void, .priority = true,
         .acl = {Permission::kConnectRead})

struct NetworkEventLifecycleMsg {
  int32_t callbackID = 0;
  NonnullNetwork net;
  int32_t event = 0;
  int32_t detail = 0;
  XDR_FIELDS(callbackID, net, event, detail)
};
RPC_EVENT(315, NetworkEventLifecycle, NetworkEventLifecycleMsg)

struct NetworkGetDhcpLeasesArgs {
  NonnullNetwork net;
  std::optional<std::string> mac;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(net, mac, need_results, flags)
};
struct NetworkDhcpLease {
  std::string iface;
  int64_t expirytime = 0;
  int32_t type = 0;
  std::optional<std::string> mac;
  std::optional<std::string> iaid;
  std::string ipaddr;
  uint32_t prefix = 0;
  std::optional<std::string> hostname;
  std::optional<std::string> clientid;
  XDR_FIELDS(iface, expirytime, type, mac, iaid, ipaddr, prefix, hostname, clientid)
};
struct NetworkGetDhcpLeasesRet {
  xdr::List<NetworkDhcpLease, kNetworkDhcpLeasesMax> leases;
  uint32_t ret = 0;
  XDR_FIELDS(leases, ret)
};
RPC_CALL(341, NetworkGetDhcpLeases, NetworkGetDhcpLeasesArgs, NetworkGetDhcpLeasesRet,
         .acl = {Permission::kNetworkRead})

struct NetworkListAllPortsArgs {
  NonnullNetwork network;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(network, need_results, flags)
};
struct NetworkListAllPortsRet {
  xdr::List<NonnullNetworkPort, kNetworkPortListMax> ports;
  uint32_t ret = 0;
  XDR_FIELDS(ports, ret)
};
RPC_CALL(404, NetworkListAllPorts, NetworkListAllPortsArgs, NetworkListAllPortsRet, .priority = true,
         .acl = {Permission::kNetworkSearchPorts}, .filter = {Permission::kNetworkPortGetattr})

struct NetworkPortLookupByUuidArgs {
  NonnullNetwork network;
  Uuid uuid;
  XDR_FIELDS(network, uuid)
};
struct NetworkPortLookupByUuidRet {
  NonnullNetworkPort port;
  XDR_FIELDS(port)
};
RPC_CALL(405, NetworkPortLookupByUuid, NetworkPortLookupByUuidArgs, NetworkPortLookupByUuidRet,
         .priority = true, .acl = {Permission::kNetworkPortGetattr})

struct NetworkPortCreateXmlArgs {
  NonnullNetwork network;
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(network, xml, flags)
};
struct NetworkPortCreateXmlRet {
  NonnullNetworkPort port;
  XDR_FIELDS(port)
};
RPC_CALL(406, NetworkPortCreateXml, NetworkPortCreateXmlArgs, NetworkPortCreateXmlRet,
         .acl = {Permission::kNetworkPortCreate})

struct NetworkPortGetParametersArgs {
  NonnullNetworkPort port;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(port, nparams, flags)
};
struct NetworkPortGetParametersRet {
  xdr::List<TypedParam, kNetworkPortParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(407, NetworkPortGetParameters, NetworkPortGetParametersArgs, NetworkPortGetParametersRet,
         .acl = {Permission::kNetworkPortRead})

struct NetworkPortSetParametersArgs {
  NonnullNetworkPort port;
  xdr::List<TypedParam, kNetworkPortParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(port, params, flags)
};
RPC_CALL(408, NetworkPortSetParameters, NetworkPortSetParametersArgs, void,
         .acl = {Permission::kNetworkPortWrite})

struct NetworkPortGetXmlDescArgs {
  NonnullNetworkPort port;
  uint32_t flags = 0;
  XDR_FIELDS(port, flags)
};
struct NetworkPortGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(409, NetworkPortGetXmlDesc, NetworkPortGetXmlDescArgs, NetworkPortGetXmlDescRet,
         .acl = {Permission::kNetworkPortRead})

struct NetworkPortDeleteArgs {
  NonnullNetworkPort port;
  uint32_t flags = 0;
  XDR_FIELDS(port, flags)
};
RPC_CALL(410, NetworkPortDelete, NetworkPortDeleteArgs, void, .acl = {Permission::kNetworkPortDelete})

struct NetworkDefineXmlFlagsArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct NetworkDefineXmlFlagsRet {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(432, NetworkDefineXmlFlags, NetworkDefineXmlFlagsArgs, NetworkDefineXmlFlagsRet, .priority = true,
         .acl = {Permission::kNetworkWrite, Permission::kNetworkSave})

struct NetworkCreateXmlFlagsArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct NetworkCreateXmlFlagsRet {
  NonnullNetwork net;
  XDR_FIELDS(net)
};
RPC_CALL(437, NetworkCreateXmlFlags, NetworkCreateXmlFlagsArgs, NetworkCreateXmlFlagsRet, .priority = true,
         .acl = {Permission::kNetworkWrite, Permission::kNetworkStart})

struct NetworkSetMetadataArgs {
  NonnullNetwork net;
  int32_t type = 0;
  std::optional<std::string> metadata;
  std::optional<std::string> key;
  std::optional<std::string> uri;
  uint32_t flags = 0;
  XDR_FIELDS(net, type, metadata, key, uri, flags)
};
RPC_CALL(444, NetworkSetMetadata, NetworkSetMetadataArgs, void, .acl = kModifyNetwork)

struct NetworkGetMetadataArgs {
  NonnullNetwork net;
  int32_t type = 0;
  std::optional<std::string> uri;
  uint32_t flags = 0;
  XDR_FIELDS(net, type, uri, flags)
};
struct NetworkGetMetadataRet {
  std::string metadata;
  XDR_FIELDS(metadata)
};
RPC_CALL(445, NetworkGetMetadata, NetworkGetMetadataArgs, NetworkGetMetadataRet,
         .acl = {Permission::kNetworkRead})

struct NetworkEventCallbackMetadataChangeMsg {
  int32_t callbackID = 0;
  NonnullNetwork net;
  int32_t type = 0;
  std::optional<std::string> nsuri;
  XDR_FIELDS(callbackID, net, type, nsuri)
};
RPC_EVENT(446, NetworkEventCallbackMetadataChange, NetworkEventCallbackMetadataChangeMsg,
         .filter = {Permission::kNetworkGetattr})

}  // namespace bv::remote
