#pragma once

#include "protocol/remote/types.h"

// Host devices.

namespace bv::remote {

inline constexpr uint32_t kNodeDeviceCapsListMax = 65536;
inline constexpr uint32_t kNodeDeviceListMax = 65536;

struct NodeNumOfDevicesArgs {
  std::optional<std::string> cap;
  uint32_t flags = 0;
  XDR_FIELDS(cap, flags)
};
struct NodeNumOfDevicesRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(111, NodeNumOfDevices, NodeNumOfDevicesArgs, NodeNumOfDevicesRet, .priority = true,
         .acl = {Permission::kConnectSearchNodeDevices}, .filter = {Permission::kNodeDeviceGetattr})

struct NodeListDevicesArgs {
  std::optional<std::string> cap;
  int32_t maxnames = 0;
  uint32_t flags = 0;
  XDR_FIELDS(cap, maxnames, flags)
};
struct NodeListDevicesRet {
  xdr::List<std::string, kNodeDeviceListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(112, NodeListDevices, NodeListDevicesArgs, NodeListDevicesRet, .priority = true,
         .acl = {Permission::kConnectSearchNodeDevices}, .filter = {Permission::kNodeDeviceGetattr})

struct NodeDeviceLookupByNameArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NodeDeviceLookupByNameRet {
  NonnullNodeDevice dev;
  XDR_FIELDS(dev)
};
RPC_CALL(113, NodeDeviceLookupByName, NodeDeviceLookupByNameArgs, NodeDeviceLookupByNameRet, .priority = true,
         .acl = {Permission::kNodeDeviceGetattr})

struct NodeDeviceGetXmlDescArgs {
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(name, flags)
};
struct NodeDeviceGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(114, NodeDeviceGetXmlDesc, NodeDeviceGetXmlDescArgs, NodeDeviceGetXmlDescRet,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceGetParentArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NodeDeviceGetParentRet {
  std::optional<std::string> parentName;
  XDR_FIELDS(parentName)
};
RPC_CALL(115, NodeDeviceGetParent, NodeDeviceGetParentArgs, NodeDeviceGetParentRet, .priority = true,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceNumOfCapsArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NodeDeviceNumOfCapsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(116, NodeDeviceNumOfCaps, NodeDeviceNumOfCapsArgs, NodeDeviceNumOfCapsRet, .priority = true,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceListCapsArgs {
  std::string name;
  int32_t maxnames = 0;
  XDR_FIELDS(name, maxnames)
};
struct NodeDeviceListCapsRet {
  xdr::List<std::string, kNodeDeviceCapsListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(117, NodeDeviceListCaps, NodeDeviceListCapsArgs, NodeDeviceListCapsRet, .priority = true,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceDettachArgs {
  std::string name;
  XDR_FIELDS(name)
};
RPC_CALL(118, NodeDeviceDettach, NodeDeviceDettachArgs, void, .acl = {Permission::kNodeDeviceDetach})

struct NodeDeviceReAttachArgs {
  std::string name;
  XDR_FIELDS(name)
};
RPC_CALL(119, NodeDeviceReAttach, NodeDeviceReAttachArgs, void, .acl = {Permission::kNodeDeviceDetach})

struct NodeDeviceResetArgs {
  std::string name;
  XDR_FIELDS(name)
};
RPC_CALL(120, NodeDeviceReset, NodeDeviceResetArgs, void, .acl = {Permission::kNodeDeviceDetach})

struct NodeDeviceCreateXmlArgs {
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(xml_desc, flags)
};
struct NodeDeviceCreateXmlRet {
  NonnullNodeDevice dev;
  XDR_FIELDS(dev)
};
RPC_CALL(123, NodeDeviceCreateXml, NodeDeviceCreateXmlArgs, NodeDeviceCreateXmlRet,
         .acl = {Permission::kNodeDeviceWrite, Permission::kNodeDeviceStart})

struct NodeDeviceDestroyArgs {
  std::string name;
  XDR_FIELDS(name)
};
RPC_CALL(124, NodeDeviceDestroy, NodeDeviceDestroyArgs, void, .priority = true,
         .acl = {Permission::kNodeDeviceStop})

struct ConnectListAllNodeDevicesArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllNodeDevicesRet {
  xdr::List<NonnullNodeDevice, kNodeDeviceListMax> devices;
  uint32_t ret = 0;
  XDR_FIELDS(devices, ret)
};
RPC_CALL(285, ConnectListAllNodeDevices, ConnectListAllNodeDevicesArgs, ConnectListAllNodeDevicesRet,
         .priority = true, .acl = {Permission::kConnectSearchNodeDevices},
         .filter = {Permission::kNodeDeviceGetattr})

struct NodeDeviceLookupScsiHostByWwnArgs {
  std::string wwnn;
  std::string wwpn;
  uint32_t flags = 0;
  XDR_FIELDS(wwnn, wwpn, flags)
};
struct NodeDeviceLookupScsiHostByWwnRet {
  NonnullNodeDevice dev;
  XDR_FIELDS(dev)
};
RPC_CALL(297, NodeDeviceLookupScsiHostByWwn, NodeDeviceLookupScsiHostByWwnArgs,
         NodeDeviceLookupScsiHostByWwnRet, .priority = true, .acl = {Permission::kNodeDeviceGetattr})

struct NodeDeviceDetachFlagsArgs {
  std::string name;
  std::optional<std::string> driverName;
  uint32_t flags = 0;
  XDR_FIELDS(name, driverName, flags)
};
RPC_CALL(301, NodeDeviceDetachFlags, NodeDeviceDetachFlagsArgs, void, .acl = {Permission::kNodeDeviceDetach})

struct ConnectNodeDeviceEventRegisterAnyArgs {
  int32_t eventID = 0;
  std::optional<NonnullNodeDevice> dev;
  XDR_FIELDS(eventID, dev)
};
struct ConnectNodeDeviceEventRegisterAnyRet {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(374, ConnectNodeDeviceEventRegisterAny, ConnectNodeDeviceEventRegisterAnyArgs,
         ConnectNodeDeviceEventRegisterAnyRet, .priority = true,
         .acl = {Permission::kConnectSearchNodeDevices}, .filter = {Permission::kNodeDeviceGetattr})

struct ConnectNodeDeviceEventDeregisterAnyArgs {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(375, ConnectNodeDeviceEventDeregisterAny, ConnectNodeDeviceEventDeregisterAnyArgs, void,
         .priority = true, .acl = {Permission::kConnectRead})

struct NodeDeviceEventLifecycleMsg {
  int32_t callbackID = 0;
  NonnullNodeDevice dev;
  int32_t event = 0;
  int32_t detail = 0;
  XDR_FIELDS(callbackID, dev, event, detail)
};
RPC_EVENT(376, NodeDeviceEventLifecycle, NodeDeviceEventLifecycleMsg)

struct NodeDeviceEventUpdateMsg {
  int32_t callbackID = 0;
  NonnullNodeDevice dev;
  XDR_FIELDS(callbackID, dev)
};
RPC_EVENT(377, NodeDeviceEventUpdate, NodeDeviceEventUpdateMsg)

struct NodeDeviceDefineXmlArgs {
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(xml_desc, flags)
};
struct NodeDeviceDefineXmlRet {
  NonnullNodeDevice dev;
  XDR_FIELDS(dev)
};
RPC_CALL(428, NodeDeviceDefineXml, NodeDeviceDefineXmlArgs, NodeDeviceDefineXmlRet,
         .acl = {Permission::kNodeDeviceWrite})

struct NodeDeviceUndefineArgs {
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(name, flags)
};
RPC_CALL(429, NodeDeviceUndefine, NodeDeviceUndefineArgs, void, .priority = true,
         .acl = {Permission::kNodeDeviceDelete})

struct NodeDeviceCreateArgs {
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(name, flags)
};
RPC_CALL(430, NodeDeviceCreate, NodeDeviceCreateArgs, void, .priority = true,
         .acl = {Permission::kNodeDeviceStart})

struct NodeDeviceGetAutostartArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NodeDeviceGetAutostartRet {
  int32_t autostart = 0;
  XDR_FIELDS(autostart)
};
RPC_CALL(433, NodeDeviceGetAutostart, NodeDeviceGetAutostartArgs, NodeDeviceGetAutostartRet, .priority = true,
         .read_only = ReadOnly::kRefused,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceSetAutostartArgs {
  std::string name;
  int32_t autostart = 0;
  XDR_FIELDS(name, autostart)
};
RPC_CALL(434, NodeDeviceSetAutostart, NodeDeviceSetAutostartArgs, void, .priority = true,
         .acl = {Permission::kNodeDeviceWrite})

struct NodeDeviceIsPersistentArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NodeDeviceIsPersistentRet {
  int32_t persistent = 0;
  XDR_FIELDS(persistent)
};
RPC_CALL(435, NodeDeviceIsPersistent, NodeDeviceIsPersistentArgs, NodeDeviceIsPersistentRet, .priority = true,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceIsActiveArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct NodeDeviceIsActiveRet {
  int32_t active = 0;
  XDR_FIELDS(active)
};
RPC_CALL(436, NodeDeviceIsActive, NodeDeviceIsActiveArgs, NodeDeviceIsActiveRet, .priority = true,
         .acl = {Permission::kNodeDeviceRead})

struct NodeDeviceUpdateArgs {
  std::string name;
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(name, xml_desc, flags)
};
RPC_CALL(447, NodeDeviceUpdate, NodeDeviceUpdateArgs, void, .acl = {Permission::kNodeDeviceWrite})

}  // namespace bv::remote
