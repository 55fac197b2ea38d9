#pragma once

#include "protocol/remote/types.h"

// Domains: finding, defining, starting and stopping them, and what they are.

namespace bv::remote {

inline constexpr uint32_t kDomainLaunchSecurityInfoParamsMax = 64;
inline constexpr uint32_t kDomainLaunchSecurityStateParamsMax = 64;
inline constexpr uint32_t kSecurityLabelListMax = 64;
inline constexpr uint32_t kSecurityLabelMax = 4097;

struct DomainCreateArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(9, DomainCreate, DomainCreateArgs, void, .acl = {Permission::kDomainStart})

struct DomainCreateXmlArgs {
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(xml_desc, flags)
};
struct DomainCreateXmlRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(10, DomainCreateXml, DomainCreateXmlArgs, DomainCreateXmlRet,
         .acl = {Permission::kDomainWrite, Permission::kDomainStart})

struct DomainDefineXmlArgs {
  std::string xml;
  XDR_FIELDS(xml)
};
struct DomainDefineXmlRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(11, DomainDefineXml, DomainDefineXmlArgs, DomainDefineXmlRet, .priority = true,
         .acl = {Permission::kDomainWrite, Permission::kDomainSave})

struct DomainDestroyArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(12, DomainDestroy, DomainDestroyArgs, void, .priority = true, .acl = {Permission::kDomainStop})

struct DomainGetXmlDescArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(14, DomainGetXmlDesc, DomainGetXmlDescArgs, DomainGetXmlDescRet, .acl = {Permission::kDomainRead,
         IfSet(Permission::kDomainReadSecure, kDomainXmlSecure), IfSet(Permission::kDomainReadSecure,
         kDomainXmlMigratable)})

struct DomainGetAutostartArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetAutostartRet {
  int32_t autostart = 0;
  XDR_FIELDS(autostart)
};
RPC_CALL(15, DomainGetAutostart, DomainGetAutostartArgs, DomainGetAutostartRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainGetInfoArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetInfoRet {
  uint8_t state = 0;
  uint64_t maxMem = 0;
  uint64_t memory = 0;
  uint16_t nrVirtCpu = 0;
  uint64_t cpuTime = 0;
  XDR_FIELDS(state, maxMem, memory, nrVirtCpu, cpuTime)
};
RPC_CALL(16, DomainGetInfo, DomainGetInfoArgs, DomainGetInfoRet, .acl = {Permission::kDomainRead})

struct DomainGetOsTypeArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetOsTypeRet {
  std::string type;
  XDR_FIELDS(type)
};
RPC_CALL(19, DomainGetOsType, DomainGetOsTypeArgs, DomainGetOsTypeRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct ConnectListDefinedDomainsArgs {
  int32_t maxnames = 0;
  XDR_FIELDS(maxnames)
};
struct ConnectListDefinedDomainsRet {
  xdr::List<std::string, kDomainListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(21, ConnectListDefinedDomains, ConnectListDefinedDomainsArgs, ConnectListDefinedDomainsRet,
         .priority = true, .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct DomainLookupByIdArgs {
  int32_t id = 0;
  XDR_FIELDS(id)
};
struct DomainLookupByIdRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(22, DomainLookupById, DomainLookupByIdArgs, DomainLookupByIdRet, .priority = true,
         .acl = {Permission::kDomainGetattr})

struct DomainLookupByNameArgs {
  std::string name;
  XDR_FIELDS(name)
};
struct DomainLookupByNameRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(23, DomainLookupByName, DomainLookupByNameArgs, DomainLookupByNameRet, .priority = true,
         .acl = {Permission::kDomainGetattr})

struct DomainLookupByUuidArgs {
  Uuid uuid;
  XDR_FIELDS(uuid)
};
struct DomainLookupByUuidRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(24, DomainLookupByUuid, DomainLookupByUuidArgs, DomainLookupByUuidRet, .priority = true,
         .acl = {Permission::kDomainGetattr})

struct ConnectNumOfDefinedDomainsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(25, ConnectNumOfDefinedDomains, void, ConnectNumOfDefinedDomainsRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct DomainRebootArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(27, DomainReboot, DomainRebootArgs, void, .acl = {Permission::kDomainInitControl,
         IfSet(Permission::kDomainWrite, kDomainRebootGuestAgent)})

struct DomainResumeArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(28, DomainResume, DomainResumeArgs, void, .acl = {Permission::kDomainSuspend})

struct DomainSetAutostartArgs {
  NonnullDomain dom;
  int32_t autostart = 0;
  XDR_FIELDS(dom, autostart)
};
RPC_CALL(29, DomainSetAutostart, DomainSetAutostartArgs, void, .priority = true,
         .acl = {Permission::kDomainWrite})

struct DomainShutdownArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(33, DomainShutdown, DomainShutdownArgs, void, .acl = {Permission::kDomainInitControl})

struct DomainSuspendArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(34, DomainSuspend, DomainSuspendArgs, void, .acl = {Permission::kDomainSuspend})

struct DomainUndefineArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(35, DomainUndefine, DomainUndefineArgs, void, .priority = true, .acl = {Permission::kDomainDelete})

struct ConnectListDomainsArgs {
  int32_t maxids = 0;
  XDR_FIELDS(maxids)
};
struct ConnectListDomainsRet {
  xdr::List<int32_t, kDomainListMax> ids;
  XDR_FIELDS(ids)
};
RPC_CALL(37, ConnectListDomains, ConnectListDomainsArgs, ConnectListDomainsRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct ConnectNumOfDomainsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(51, ConnectNumOfDomains, void, ConnectNumOfDomainsRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct DomainGetSecurityLabelArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetSecurityLabelRet {
  xdr::Chars<kSecurityLabelMax> label;
  int32_t enforcing = 0;
  XDR_FIELDS(label, enforcing)
};
RPC_CALL(121, DomainGetSecurityLabel, DomainGetSecurityLabelArgs, DomainGetSecurityLabelRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct ConnectDomainXmlFromNativeArgs {
  std::string nativeFormat;
  std::string nativeConfig;
  uint32_t flags = 0;
  XDR_FIELDS(nativeFormat, nativeConfig, flags)
};
struct ConnectDomainXmlFromNativeRet {
  std::string domainXml;
  XDR_FIELDS(domainXml)
};
RPC_CALL(135, ConnectDomainXmlFromNative, ConnectDomainXmlFromNativeArgs, ConnectDomainXmlFromNativeRet,
         .acl = {Permission::kConnectWrite})

struct ConnectDomainXmlToNativeArgs {
  std::string nativeFormat;
  std::string domainXml;
  uint32_t flags = 0;
  XDR_FIELDS(nativeFormat, domainXml, flags)
};
struct ConnectDomainXmlToNativeRet {
  std::string nativeConfig;
  XDR_FIELDS(nativeConfig)
};
RPC_CALL(136, ConnectDomainXmlToNative, ConnectDomainXmlToNativeArgs, ConnectDomainXmlToNativeRet,
         .acl = {Permission::kConnectWrite})

struct DomainIsActiveArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainIsActiveRet {
  int32_t active = 0;
  XDR_FIELDS(active)
};
RPC_CALL(150, DomainIsActive, DomainIsActiveArgs, DomainIsActiveRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainIsPersistentArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainIsPersistentRet {
  int32_t persistent = 0;
  XDR_FIELDS(persistent)
};
RPC_CALL(151, DomainIsPersistent, DomainIsPersistentArgs, DomainIsPersistentRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainCreateWithFlagsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainCreateWithFlagsRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(196, DomainCreateWithFlags, DomainCreateWithFlagsArgs, DomainCreateWithFlagsRet,
         .acl = {Permission::kDomainStart})

struct DomainIsUpdatedArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainIsUpdatedRet {
  int32_t updated = 0;
  XDR_FIELDS(updated)
};
RPC_CALL(202, DomainIsUpdated, DomainIsUpdatedArgs, DomainIsUpdatedRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainGetStateArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetStateRet {
  int32_t state = 0;
  int32_t reason = 0;
  XDR_FIELDS(state, reason)
};
RPC_CALL(212, DomainGetState, DomainGetStateArgs, DomainGetStateRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainGetControlInfoArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetControlInfoRet {
  uint32_t state = 0;
  uint32_t details = 0;
  uint64_t stateTime = 0;
  XDR_FIELDS(state, details, stateTime)
};
RPC_CALL(229, DomainGetControlInfo, DomainGetControlInfoArgs, DomainGetControlInfoRet, .priority = true,
         .acl = {Permission::kDomainRead})

struct DomainUndefineFlagsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(231, DomainUndefineFlags, DomainUndefineFlagsArgs, void, .priority = true,
         .acl = {Permission::kDomainDelete})

struct DomainDestroyFlagsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(234, DomainDestroyFlags, DomainDestroyFlagsArgs, void, .priority = true,
         .acl = {Permission::kDomainStop})

struct DomainResetArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(245, DomainReset, DomainResetArgs, void, .acl = {Permission::kDomainReset})

struct DomainShutdownFlagsArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(258, DomainShutdownFlags, DomainShutdownFlagsArgs, void, .acl = {Permission::kDomainInitControl,
         IfSet(Permission::kDomainWrite, kDomainShutdownGuestAgent)})

struct DomainPmSuspendForDurationArgs {
  NonnullDomain dom;
  uint32_t target = 0;
  uint64_t duration = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, target, duration, flags)
};
RPC_CALL(261, DomainPmSuspendForDuration, DomainPmSuspendForDurationArgs, void,
         .acl = {Permission::kDomainPmControl})

struct DomainSetMetadataArgs {
  NonnullDomain dom;
  int32_t type = 0;
  std::optional<std::string> metadata;
  std::optional<std::string> key;
  std::optional<std::string> uri;
  uint32_t flags = 0;
  XDR_FIELDS(dom, type, metadata, key, uri, flags)
};
RPC_CALL(264, DomainSetMetadata, DomainSetMetadataArgs, void, .acl = kModifyDomain)

struct DomainGetMetadataArgs {
  NonnullDomain dom;
  int32_t type = 0;
  std::optional<std::string> uri;
  uint32_t flags = 0;
  XDR_FIELDS(dom, type, uri, flags)
};
struct DomainGetMetadataRet {
  std::string metadata;
  XDR_FIELDS(metadata)
};
RPC_CALL(265, DomainGetMetadata, DomainGetMetadataArgs, DomainGetMetadataRet,
         .acl = {Permission::kDomainRead})

struct DomainPmWakeupArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(267, DomainPmWakeup, DomainPmWakeupArgs, void, .acl = {Permission::kDomainPmControl})

struct ConnectListAllDomainsArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllDomainsRet {
  xdr::List<NonnullDomain, kDomainListMax> domains;
  uint32_t ret = 0;
  XDR_FIELDS(domains, ret)
};
RPC_CALL(273, ConnectListAllDomains, ConnectListAllDomainsArgs, ConnectListAllDomainsRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct DomainGetSecurityLabelListArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetSecurityLabelListRet {
  xdr::List<DomainGetSecurityLabelRet, kSecurityLabelListMax> labels;
  int32_t ret = 0;
  XDR_FIELDS(labels, ret)
};
RPC_CALL(278, DomainGetSecurityLabelList, DomainGetSecurityLabelListArgs, DomainGetSecurityLabelListRet,
         .priority = true, .acl = {Permission::kDomainRead})

struct DomainSendProcessSignalArgs {
  NonnullDomain dom;
  int64_t pid_value = 0;
  uint32_t signum = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, pid_value, signum, flags)
};
RPC_CALL(295, DomainSendProcessSignal, DomainSendProcessSignalArgs, void,
         .acl = {Permission::kDomainSendSignal})

struct DomainCreateXmlWithFilesArgs {
  std::string xml_desc;
  uint32_t flags = 0;
  XDR_FIELDS(xml_desc, flags)
};
struct DomainCreateXmlWithFilesRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(309, DomainCreateXmlWithFiles, DomainCreateXmlWithFilesArgs, DomainCreateXmlWithFilesRet,
         .call_fds = FdKind::kList, .acl = {Permission::kDomainWrite, Permission::kDomainStart})

struct DomainCreateWithFilesArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainCreateWithFilesRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(310, DomainCreateWithFiles, DomainCreateWithFilesArgs, DomainCreateWithFilesRet,
         .call_fds = FdKind::kList, .acl = {Permission::kDomainStart})

struct DomainDefineXmlFlagsArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct DomainDefineXmlFlagsRet {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(350, DomainDefineXmlFlags, DomainDefineXmlFlagsArgs, DomainDefineXmlFlagsRet, .priority = true,
         .acl = {Permission::kDomainWrite, Permission::kDomainSave})

struct DomainRenameArgs {
  NonnullDomain dom;
  std::optional<std::string> new_name;
  uint32_t flags = 0;
  XDR_FIELDS(dom, new_name, flags)
};
struct DomainRenameRet {
  int32_t retcode = 0;
  XDR_FIELDS(retcode)
};
RPC_CALL(358, DomainRename, DomainRenameArgs, DomainRenameRet,
         .acl = {Permission::kDomainWrite, Permission::kDomainSave})

struct DomainSetLifecycleActionArgs {
  NonnullDomain dom;
  uint32_t type = 0;
  uint32_t action = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, type, action, flags)
};
RPC_CALL(390, DomainSetLifecycleAction, DomainSetLifecycleActionArgs, void, .acl = {Permission::kDomainWrite})

struct DomainGetLaunchSecurityInfoArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetLaunchSecurityInfoRet {
  xdr::List<TypedParam, kDomainLaunchSecurityInfoParamsMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(396, DomainGetLaunchSecurityInfo, DomainGetLaunchSecurityInfoArgs, DomainGetLaunchSecurityInfoRet,
         .read_only = ReadOnly::kRefused,
         .acl = {Permission::kDomainRead})

struct DomainSetLaunchSecurityStateArgs {
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainLaunchSecurityStateParamsMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, params, flags)
};
RPC_CALL(439, DomainSetLaunchSecurityState, DomainSetLaunchSecurityStateArgs, void,
         .acl = {Permission::kDomainWrite})

struct DomainGetAutostartOnceArgs {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
struct DomainGetAutostartOnceRet {
  int32_t autostart = 0;
  XDR_FIELDS(autostart)
};
RPC_CALL(449, DomainGetAutostartOnce, DomainGetAutostartOnceArgs, DomainGetAutostartOnceRet,
         .acl = {Permission::kDomainRead})

struct DomainSetAutostartOnceArgs {
  NonnullDomain dom;
  int32_t autostart = 0;
  XDR_FIELDS(dom, autostart)
};
RPC_CALL(450, DomainSetAutostartOnce, DomainSetAutostartOnceArgs, void, .acl = {Permission::kDomainWrite})

}  // namespace bv::remote
