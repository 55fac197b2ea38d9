#pragma once

#include "protocol/remote/types.h"

// Devices: attaching and detaching, consoles, graphics, keys, network parameters.

namespace bv::remote {

inline constexpr uint32_t kDomainInterfaceParametersMax = 16;
inline constexpr uint32_t kDomainSendKeyMax = 16;

struct DomainAttachDeviceArgs {
  NonnullDomain dom;
  std::string xml;
  XDR_FIELDS(dom, xml)
};
RPC_CALL(8, DomainAttachDevice, DomainAttachDeviceArgs, void, .acl = {Permission::kDomainWrite})

struct DomainDetachDeviceArgs {
  NonnullDomain dom;
  std::string xml;
  XDR_FIELDS(dom, xml)
};
RPC_CALL(13, DomainDetachDevice, DomainDetachDeviceArgs, void, .acl = {Permission::kDomainWrite})

struct DomainAttachDeviceFlagsArgs {
  NonnullDomain dom;
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(dom, xml, flags)
};
RPC_CALL(160, DomainAttachDeviceFlags, DomainAttachDeviceFlagsArgs, void, .acl = kModifyDomain)

struct DomainDetachDeviceFlagsArgs {
  NonnullDomain dom;
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(dom, xml, flags)
};
RPC_CALL(161, DomainDetachDeviceFlags, DomainDetachDeviceFlagsArgs, void, .acl = kModifyDomain)

struct DomainUpdateDeviceFlagsArgs {
  NonnullDomain dom;
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(dom, xml, flags)
};
RPC_CALL(174, DomainUpdateDeviceFlags, DomainUpdateDeviceFlagsArgs, void, .acl = kModifyDomain)

struct DomainOpenConsoleArgs {
  NonnullDomain dom;
  std::optional<std::string> dev_name;
  uint32_t flags = 0;
  XDR_FIELDS(dom, dev_name, flags)
};
RPC_CALL(201, DomainOpenConsole, DomainOpenConsoleArgs, void, .stream = StreamKind::kRead,
         .acl = {Permission::kDomainOpenDevice})

struct DomainInjectNmiArgs {
  NonnullDomain dom;
  uint32_t flags = 0;
  XDR_FIELDS(dom, flags)
};
RPC_CALL(210, DomainInjectNmi, DomainInjectNmiArgs, void, .acl = {Permission::kDomainInjectNmi})

struct DomainScreenshotArgs {
  NonnullDomain dom;
  uint32_t screen = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, screen, flags)
};
struct DomainScreenshotRet {
  std::optional<std::string> mime;
  XDR_FIELDS(mime)
};
RPC_CALL(211, DomainScreenshot, DomainScreenshotArgs, DomainScreenshotRet, .stream = StreamKind::kRead,
         .acl = {Permission::kDomainScreenshot})

struct DomainSendKeyArgs {
  NonnullDomain dom;
  uint32_t codeset = 0;
  uint32_t holdtime = 0;
  xdr::List<uint32_t, kDomainSendKeyMax> keycodes;
  uint32_t flags = 0;
  XDR_FIELDS(dom, codeset, holdtime, keycodes, flags)
};
RPC_CALL(226, DomainSendKey, DomainSendKeyArgs, void, .acl = {Permission::kDomainSendInput})

struct DomainOpenGraphicsArgs {
  NonnullDomain dom;
  uint32_t idx = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, idx, flags)
};
RPC_CALL(249, DomainOpenGraphics, DomainOpenGraphicsArgs, void, .call_fds = FdKind::kOne,
         .acl = {Permission::kDomainOpenGraphics})

struct DomainSetInterfaceParametersArgs {
  NonnullDomain dom;
  std::string device;
  xdr::List<TypedParam, kDomainInterfaceParametersMax> params;
  uint32_t flags = 0;
  XDR_FIELDS(dom, device, params, flags)
};
RPC_CALL(256, DomainSetInterfaceParameters, DomainSetInterfaceParametersArgs, void, .acl = kModifyDomain)

struct DomainGetInterfaceParametersArgs {
  NonnullDomain dom;
  std::string device;
  int32_t nparams = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, device, nparams, flags)
};
struct DomainGetInterfaceParametersRet {
  xdr::List<TypedParam, kDomainInterfaceParametersMax> params;
  int32_t nparams = 0;
  XDR_FIELDS(params, nparams)
};
RPC_CALL(257, DomainGetInterfaceParameters, DomainGetInterfaceParametersArgs, DomainGetInterfaceParametersRet,
         .acl = {Permission::kDomainRead})

struct DomainOpenChannelArgs {
  NonnullDomain dom;
  std::optional<std::string> name;
  uint32_t flags = 0;
  XDR_FIELDS(dom, name, flags)
};
RPC_CALL(296, DomainOpenChannel, DomainOpenChannelArgs, void, .stream = StreamKind::kRead,
         .acl = {Permission::kDomainOpenDevice})

struct DomainOpenGraphicsFdArgs {
  NonnullDomain dom;
  uint32_t idx = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, idx, flags)
};
RPC_CALL(343, DomainOpenGraphicsFd, DomainOpenGraphicsFdArgs, void, .reply_fds = FdKind::kOne,
         .acl = {Permission::kDomainOpenGraphics})

struct DomainDetachDeviceAliasArgs {
  NonnullDomain dom;
  std::string alias;
  uint32_t flags = 0;
  XDR_FIELDS(dom, alias, flags)
};
RPC_CALL(392, DomainDetachDeviceAlias, DomainDetachDeviceAliasArgs, void, .acl = kModifyDomain)

struct DomainFdAssociateArgs {
  NonnullDomain dom;
  std::string name;
  uint32_t flags = 0;
  XDR_FIELDS(dom, name, flags)
};
RPC_CALL(443, DomainFdAssociate, DomainFdAssociateArgs, void, .call_fds = FdKind::kList,
         .acl = {Permission::kDomainWrite})

struct DomainGraphicsReloadArgs {
  NonnullDomain dom;
  uint32_t type = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, type, flags)
};
RPC_CALL(448, DomainGraphicsReload, DomainGraphicsReloadArgs, void, .acl = {Permission::kDomainWrite})

}  // namespace bv::remote
