#pragma once

#include "protocol/remote/types.h"

// What the guest agent answers, or may answer.

namespace bv::remote {

inline constexpr uint32_t kDomainAuthorizedSshKeysMax = 2048;
inline constexpr uint32_t kDomainFsfreezeMountpointsMax = 256;
inline constexpr uint32_t kDomainFsinfoDisksMax = 256;
inline constexpr uint32_t kDomainFsinfoMax = 256;
inline constexpr uint32_t kDomainGuestInfoParamsMax = 2048;
inline constexpr uint32_t kDomainGuestVcpuParamsMax = 64;
inline constexpr uint32_t kDomainInterfaceMax = 2048;
inline constexpr uint32_t kDomainIpAddrMax = 2048;

struct DomainGetHostnameArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetHostnameRet {
  std::string hostname;
  XDR_FIELDS(hostname)
};
RPC_CALL(277, DomainGetHostname, DomainGetHostnameArgs, DomainGetHostnameRet,
         .acl = {Permission::kDomainWrite})

struct DomainFstrimArgs {
  NonnullDomain dom;
  std::optional<std::string> mountPoint;
  uint64_t minimum = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, mountPoint, minimum, flags)
};
RPC_CALL(294, DomainFstrim, DomainFstrimArgs, void, .acl = {Permission::kDomainFsTrim})

struct DomainFsfreezeArgs {
  NonnullDomain dom;
  xdr::List<std::string, kDomainFsfreezeMountpointsMax> mountpoints;
  uint32_t flags = 0;
  XDR_FIELDS(dom, mountpoints, flags)
};
struct DomainFsfreezeRet {
  int32_t filesystems = 0;
  XDR_FIELDS(filesystems)
};
RPC_CALL(335, DomainFsfreeze, DomainFsfreezeArgs, DomainFsfreezeRet, .acl = {Permission::kDomainFsFreeze})

struct DomainFsthawArgs {
  NonnullDomain dom;
  xdr::List<std::string, kDomainFsfreezeMountpointsMax> mountpoints;
  uint32_t flags = 0;
  XDR_FIELDS(dom, mountpoints, flags)
};
struct DomainFsthawRet {
  int32_t filesystems = 0;
  XDR_FIELDS(filesystems)
};
RPC_CALL(336, DomainFsthaw, DomainFsthawArgs, DomainFsthawRet, .acl = {Permission::kDomainFsFreeze})

struct DomainGetTimeArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetTimeRet {
  int64_t seconds = 0;
  uint32_t nseconds = 0;
  XDR_FIELDS(seconds, nseconds)
};
RPC_CALL(337, DomainGetTime, DomainGetTimeArgs, DomainGetTimeRet, .acl = {Permission::kDomainWrite})

struct DomainSetTimeArgs {
  NonnullDomain dom;
  int64_t seconds = 0;
  uint32_t nseconds = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, seconds, nseconds, flags)
};
RPC_CALL(338, DomainSetTime, DomainSetTimeArgs, void, .acl = {Permission::kDomainSetTime})

struct DomainGetFsinfoArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainFsinfo {
  std::string mountpoint;
  std::string name;
  std::string fstype;
  xdr::List<std::string, kDomainFsinfoDisksMax> dev_aliases;
  XDR_FIELDS(mountpoint, name, fstype, dev_aliases)
};
struct DomainGetFsinfoRet {
  xdr::List<DomainFsinfo, kDomainFsinfoMax> info;
  uint32_t ret = 0;
  XDR_FIELDS(info, ret)
};
RPC_CALL(349, DomainGetFsinfo, DomainGetFsinfoArgs, DomainGetFsinfoRet, .acl = {Permission::kDomainFsFreeze})

struct DomainInterfaceAddressesArgs {
  NonnullDomain dom;
  uint32_t source = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, source, flags)
};
struct DomainIpAddr {
  int32_t type = 0;
  std::string addr;
  uint32_t prefix = 0;
  XDR_FIELDS(type, addr, prefix)
};
struct DomainInterface {
  std::string name;
  std::optional<std::string> hwaddr;
  xdr::List<DomainIpAddr, kDomainIpAddrMax> addrs;
  XDR_FIELDS(name, hwaddr, addrs)
};
struct DomainInterfaceAddressesRet {
  xdr::List<DomainInterface, kDomainInterfaceMax> ifaces;
  XDR_FIELDS(ifaces)
};
RPC_CALL(353, DomainInterfaceAddresses, DomainInterfaceAddressesArgs, DomainInterfaceAddressesRet, .acl =
         {Permission::kDomainRead, IfSource(Permission::kDomainWrite, kDomainInterfaceAddressesSrcAgent)})

struct DomainSetUserPasswordArgs {
  NonnullDomain dom;
  std::optional<std::string> user;
  std::optional<std::string> password;
  uint32_t flags = 0;
  XDR_FIELDS(dom, user, password, flags)
};
RPC_CALL(357, DomainSetUserPassword, DomainSetUserPasswordArgs, void, .acl = {Permission::kDomainSetPassword})

struct DomainGetGuestVcpusArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
struct DomainGetGuestVcpusRet {
  xdr::List<TypedParam, kDomainGuestVcpuParamsMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(371, DomainGetGuestVcpus, DomainGetGuestVcpusArgs, DomainGetGuestVcpusRet,
         .acl = {Permission::kDomainWrite})

struct DomainSetGuestVcpusArgs {
  NonnullDomain dom;
  std::string cpumap;
  int32_t state = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cpumap, state, flags)
};
RPC_CALL(372, DomainSetGuestVcpus, DomainSetGuestVcpusArgs, void, .acl = {Permission::kDomainWrite})

struct DomainGetGuestInfoArgs {
  NonnullDomain dom;
  uint32_t types = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, types, flags)
};
struct DomainGetGuestInfoRet {
  xdr::List<TypedParam, kDomainGuestInfoParamsMax> params;
  XDR_FIELDS(params)
};
RPC_CALL(418, DomainGetGuestInfo, DomainGetGuestInfoArgs, DomainGetGuestInfoRet,
         .acl = {Permission::kDomainWrite})

struct DomainAgentSetResponseTimeoutArgs {
  NonnullDomain dom;
  int32_t timeout = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, timeout, flags)
};
struct DomainAgentSetResponseTimeoutRet {
  int32_t result = 0;
  XDR_FIELDS(result)
};
RPC_CALL(420, DomainAgentSetResponseTimeout, DomainAgentSetResponseTimeoutArgs,
         DomainAgentSetResponseTimeoutRet, .acl = {Permission::kDomainWrite})

struct DomainAuthorizedSshKeysGetArgs {
  NonnullDomain dom;
  std::string user;
  uint32_t flags = 0;
  XDR_FIELDS(dom, user, flags)
};
struct DomainAuthorizedSshKeysGetRet {
  xdr::List<std::string, kDomainAuthorizedSshKeysMax> keys;
  XDR_FIELDS(keys)
};
RPC_CALL(424, DomainAuthorizedSshKeysGet, DomainAuthorizedSshKeysGetArgs, DomainAuthorizedSshKeysGetRet,
         .acl = {Permission::kDomainWrite})

struct DomainAuthorizedSshKeysSetArgs {
  NonnullDomain dom;
  std::string user;
  xdr::List<std::string, kDomainAuthorizedSshKeysMax> keys;
  uint32_t flags = 0;
  XDR_FIELDS(dom, user, keys, flags)
};
RPC_CALL(425, DomainAuthorizedSshKeysSet, DomainAuthorizedSshKeysSetArgs, void,
         .acl = {Permission::kDomainWrite})

}  // namespace bv::remote
