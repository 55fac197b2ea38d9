#pragma once

#include "protocol/remote/types.h"

// QEMU-specific calls, served beside the main program by libvirtd and virtqemud.

namespace bv::qemu_protocol {

extern const rpc::Program kProgram;

using rpc::FdKind;
using rpc::Permission;

namespace proc {
template <int kNumber>
struct At;
}

struct DomainMonitorCommandArgs {
  remote::NonnullDomain dom;
  std::string cmd;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cmd, flags)
};
struct DomainMonitorCommandRet {
  std::string result;
  XDR_FIELDS(result)
};
RPC_CALL(1, DomainMonitorCommand, DomainMonitorCommandArgs, DomainMonitorCommandRet,
         .acl = {Permission::kDomainWrite})

struct DomainAttachArgs {
  uint32_t pid_value = 0;
  uint32_t flags = 0;
  XDR_FIELDS(pid_value, flags)
};
struct DomainAttachRet {
  remote::NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_CALL(2, DomainAttach, DomainAttachArgs, DomainAttachRet,
         .acl = {Permission::kDomainStart, Permission::kDomainWrite})

struct DomainAgentCommandArgs {
  remote::NonnullDomain dom;
  std::string cmd;
  int32_t timeout = 0;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cmd, timeout, flags)
};
struct DomainAgentCommandRet {
  std::optional<std::string> result;
  XDR_FIELDS(result)
};
RPC_CALL(3, DomainAgentCommand, DomainAgentCommandArgs, DomainAgentCommandRet,
         .acl = {Permission::kDomainWrite})

struct ConnectDomainMonitorEventRegisterArgs {
  std::optional<remote::NonnullDomain> dom;
  std::optional<std::string> event;
  uint32_t flags = 0;
  XDR_FIELDS(dom, event, flags)
};
struct ConnectDomainMonitorEventRegisterRet {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(4, ConnectDomainMonitorEventRegister, ConnectDomainMonitorEventRegisterArgs,
         ConnectDomainMonitorEventRegisterRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains, Permission::kConnectWrite},
         .filter = {Permission::kDomainGetattr})

struct ConnectDomainMonitorEventDeregisterArgs {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(5, ConnectDomainMonitorEventDeregister, ConnectDomainMonitorEventDeregisterArgs, void,
         .priority = true, .acl = {Permission::kConnectWrite})

struct DomainMonitorEventMsg {
  int32_t callbackID = 0;
  remote::NonnullDomain dom;
  std::string event;
  int64_t seconds = 0;
  uint32_t micros = 0;
  std::optional<std::string> details;
  XDR_FIELDS(callbackID, dom, event, seconds, micros, details)
};
RPC_EVENT(6, DomainMonitorEvent, DomainMonitorEventMsg)

struct DomainMonitorCommandWithFilesArgs {
  remote::NonnullDomain dom;
  std::string cmd;
  uint32_t flags = 0;
  XDR_FIELDS(dom, cmd, flags)
};
struct DomainMonitorCommandWithFilesRet {
  std::string result;
  XDR_FIELDS(result)
};
RPC_CALL(7, DomainMonitorCommandWithFiles, DomainMonitorCommandWithFilesArgs,
         DomainMonitorCommandWithFilesRet, .call_fds = FdKind::kList, .reply_fds = FdKind::kList,
         .acl = {Permission::kDomainWrite})

}  // namespace bv::qemu_protocol
