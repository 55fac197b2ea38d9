#pragma once

#include "protocol/remote/types.h"

// Storage pools.

namespace bv::remote {

inline constexpr uint32_t kStoragePoolListMax = 16384;

struct ConnectNumOfStoragePoolsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(71, ConnectNumOfStoragePools, void, ConnectNumOfStoragePoolsRet, .priority = true,
         .acl = {Permission::kConnectSearchStoragePools}, .filter = {Permission::kStoragePoolGetattr})

struct ConnectListStoragePoolsArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListStoragePoolsRet {
  xdr::List<std::string, kStoragePoolListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(72, ConnectListStoragePools, ConnectListStoragePoolsArgs, ConnectListStoragePoolsRet,
         .priority = true, .acl = {Permission::kConnectSearchStoragePools},
         .filter = {Permission::kStoragePoolGetattr})

struct ConnectNumOfDefinedStoragePoolsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(73, ConnectNumOfDefinedStoragePools, void, ConnectNumOfDefinedStoragePoolsRet, .priority = true,
         .acl = {Permission::kConnectSearchStoragePools}, .filter = {Permission::kStoragePoolGetattr})

struct ConnectListDefinedStoragePoolsArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListDefinedStoragePoolsRet {
  xdr::List<std::string, kStoragePoolListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(74, ConnectListDefinedStoragePools, ConnectListDefinedStoragePoolsArgs,
         ConnectListDefinedStoragePoolsRet, .priority = true, .acl = {Permission::kConnectSearchStoragePools},
         .filter = {Permission::kStoragePoolGetattr})

struct ConnectFindStoragePoolSourcesArgs {
  std::string type;
  std::optional<std::string> srcSpec;
  uint32_t flags = 0;
  XDR_FIELDS(type, srcSpec, flags)
};
struct ConnectFindStoragePoolSourcesRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(75, ConnectFindStoragePoolSources, ConnectFindStoragePoolSourcesArgs,
         ConnectFindStoragePoolSourcesRet, .acl = {Permission::kConnectDetectStoragePools})

struct StoragePoolCreateXmlArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct StoragePoolCreateXmlRet {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(76, StoragePoolCreateXml, StoragePoolCreateXmlArgs, StoragePoolCreateXmlRet,
         .acl = {Permission::kStoragePoolStart, Permission::kStoragePoolWrite})

struct StoragePoolDefineXmlArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct StoragePoolDefineXmlRet {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(77, StoragePoolDefineXml, StoragePoolDefineXmlArgs, StoragePoolDefineXmlRet, .priority = true,
         .acl = {Permission::kStoragePoolWrite, Permission::kStoragePoolSave})

struct StoragePoolCreateArgs {
  NonnullStoragePool pool;
  uint32_t flags = 0;
  XDR_FIELDS(pool, flags)
};
RPC_CALL(78, StoragePoolCreate, StoragePoolCreateArgs, void, .acl = {Permission::kStoragePoolStart})

struct StoragePoolBuildArgs {
  NonnullStoragePool pool;
  uint32_t flags = 0;
  XDR_FIELDS(pool, flags)
};
RPC_CALL(79, StoragePoolBuild, StoragePoolBuildArgs, void, .acl = {Permission::kStoragePoolFormat})

struct StoragePoolDestroyArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(80, StoragePoolDestroy, StoragePoolDestroyArgs, void, .priority = true,
         .acl = {Permission::kStoragePoolStop})

struct StoragePoolDeleteArgs {
  NonnullStoragePool pool;
  uint32_t flags = 0;
  XDR_FIELDS(pool, flags)
};
RPC_CALL(81, StoragePoolDelete, StoragePoolDeleteArgs, void, .acl = {Permission::kStoragePoolFormat})

struct StoragePoolUndefineArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(82, StoragePoolUndefine, StoragePoolUndefineArgs, void, .priority = true,
         .acl = {Permission::kStoragePoolDelete})

struct StoragePoolRefreshArgs {
  NonnullStoragePool pool;
  uint32_t flags = 0;
  XDR_FIELDS(pool, flags)
};
RPC_CALL(83, StoragePoolRefresh, StoragePoolRefreshArgs, void, .acl = {Permission::kStoragePoolRefresh})

struct StoragePoolLookupByNameArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct StoragePoolLookupByNameRet {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(84, StoragePoolLookupByName, StoragePoolLookupByNameArgs, StoragePoolLookupByNameRet,
         .priority = true, .acl = {Permission::kStoragePoolGetattr})

struct StoragePoolLookupByUuidArgs {
  Uuid uuid;
  XDR_FIELDS(uuid)
};
struct StoragePoolLookupByUuidRet {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(85, StoragePoolLookupByUuid, StoragePoolLookupByUuidArgs, StoragePoolLookupByUuidRet,
         .priority = true, .acl = {Permission::kStoragePoolGetattr})

struct StoragePoolGetInfoArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
struct StoragePoolGetInfoRet {
  uint8_t state = 0;
  uint64_t capacity = 0;
  uint64_t allocation = 0;
  uint64_t available = 0;
  XDR_FIELDS(state, capacity, allocation, available)
};
RPC_CALL(87, StoragePoolGetInfo, StoragePoolGetInfoArgs, StoragePoolGetInfoRet, .priority = true,
         .acl = {Permission::kStoragePoolRead})

struct StoragePoolGetXmlDescArgs {
  NonnullStoragePool pool;
  uint32_t flags = 0;
  XDR_FIELDS(pool, flags)
};
struct StoragePoolGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(88, StoragePoolGetXmlDesc, StoragePoolGetXmlDescArgs, StoragePoolGetXmlDescRet, .priority = true,
         .acl = {Permission::kStoragePoolRead})

struct StoragePoolGetAutostartArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
struct StoragePoolGetAutostartRet {
  int32_t autostart = 0;
  XDR_FIELDS(autostart)
};
RPC_CALL(89, StoragePoolGetAutostart, StoragePoolGetAutostartArgs, StoragePoolGetAutostartRet,
         .priority = true, .acl = {Permission::kStoragePoolRead})

struct StoragePoolSetAutostartArgs {
  NonnullStoragePool pool;
  int32_t autostart = 0;
  XDR_FIELDS(pool, autostart)
};
RPC_CALL(90, StoragePoolSetAutostart, StoragePoolSetAutostartArgs, void, .priority = true,
         .acl = {Permission::kStoragePoolWrite})

struct StoragePoolIsActiveArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
struct StoragePoolIsActiveRet {
  int32_t active = 0;
  XDR_FIELDS(active)
};
RPC_CALL(154, StoragePoolIsActive, StoragePoolIsActiveArgs, StoragePoolIsActiveRet, .priority = true,
         .acl = {Permission::kStoragePoolRead})

struct StoragePoolIsPersistentArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
struct StoragePoolIsPersistentRet {
  int32_t persistent = 0;
  XDR_FIELDS(persistent)
};
RPC_CALL(155, StoragePoolIsPersistent, StoragePoolIsPersistentArgs, StoragePoolIsPersistentRet,
         .priority = true, .acl = {Permission::kStoragePoolRead})

struct ConnectListAllStoragePoolsArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllStoragePoolsRet {
  xdr::List<NonnullStoragePool, kStoragePoolListMax> pools;
  uint32_t ret = 0;
  XDR_FIELDS(pools, ret)
};
RPC_CALL(281, ConnectListAllStoragePools, ConnectListAllStoragePoolsArgs, ConnectListAllStoragePoolsRet,
         .priority = true, .acl = {Permission::kConnectSearchStoragePools},
         .filter = {Permission::kStoragePoolGetattr})

struct ConnectStoragePoolEventRegisterAnyArgs {
  int32_t eventID = 0;
  std::optional<NonnullStoragePool> pool;
  XDR_FIELDS(eventID, pool)
};
struct ConnectStoragePoolEventRegisterAnyRet {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(368, ConnectStoragePoolEventRegisterAny, ConnectStoragePoolEventRegisterAnyArgs,
         ConnectStoragePoolEventRegisterAnyRet, .priority = true,
         .acl = {Permission::kConnectSearchStoragePools}, .filter = {Permission::kStoragePoolGetattr})

struct ConnectStoragePoolEventDeregisterAnyArgs {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(369, ConnectStoragePoolEventDeregisterAny, ConnectStoragePoolEventDeregisterAnyArgs, void,
         .priority = true, .acl = {Permission::kConnectRead})

struct StoragePoolEventLifecycleMsg {
  int32_t callbackID = 0;
  NonnullStoragePool pool;
  int32_t event = 0;
  int32_t detail = 0;
  XDR_FIELDS(callbackID, pool, event, detail)
};
RPC_EVENT(370, StoragePoolEventLifecycle, StoragePoolEventLifecycleMsg)

struct StoragePoolEventRefreshMsg {
  int32_t callbackID = 0;
  NonnullStoragePool pool;
  XDR_FIELDS(callbackID, pool)
};
RPC_EVENT(373, StoragePoolEventRefresh, StoragePoolEventRefreshMsg)

struct StoragePoolLookupByTargetPathArgs {
  std::string path;
  XDR_FIELDS(path)
};
struct StoragePoolLookupByTargetPathRet {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(391, StoragePoolLookupByTargetPath, StoragePoolLookupByTargetPathArgs,
         StoragePoolLookupByTargetPathRet, .priority = true, .acl = {Permission::kStoragePoolGetattr})

struct ConnectGetStoragePoolCapabilitiesArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
struct ConnectGetStoragePoolCapabilitiesRet {
  std::string capabilities;
  XDR_FIELDS(capabilities)
};
RPC_CALL(403, ConnectGetStoragePoolCapabilities, ConnectGetStoragePoolCapabilitiesArgs,
         ConnectGetStoragePoolCapabilitiesRet, .acl = {Permission::kConnectRead})

}  // namespace bv::remote
