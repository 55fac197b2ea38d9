#pragma once

#include "protocol/remote/types.h"

// Domain events, old style and with a callback id, and their registration.

namespace bv::remote {

inline constexpr uint32_t kDomainEventGraphicsIdentityMax = 20;
inline constexpr uint32_t kDomainEventTunableMax = 2048;

struct ConnectDomainEventRegisterRet {
  int32_t cb_registered = 0;
  XDR_FIELDS(cb_registered)
};
RPC_CALL(105, ConnectDomainEventRegister, void, ConnectDomainEventRegisterRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct ConnectDomainEventDeregisterRet {
  int32_t cb_registered = 0;
  XDR_FIELDS(cb_registered)
};
RPC_CALL(106, ConnectDomainEventDeregister, void, ConnectDomainEventDeregisterRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct DomainEventLifecycleMsg {
  NonnullDomain dom;
  int32_t event = 0;
  int32_t detail = 0;
  XDR_FIELDS(dom, event, detail)
};
RPC_EVENT(107, DomainEventLifecycle, DomainEventLifecycleMsg)

struct ConnectDomainEventRegisterAnyArgs {
  int32_t eventID = 0;
  XDR_FIELDS(eventID)
};
RPC_CALL(167, ConnectDomainEventRegisterAny, ConnectDomainEventRegisterAnyArgs, void, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct ConnectDomainEventDeregisterAnyArgs {
  int32_t eventID = 0;
  XDR_FIELDS(eventID)
};
RPC_CALL(168, ConnectDomainEventDeregisterAny, ConnectDomainEventDeregisterAnyArgs, void, .priority = true,
         .acl = {Permission::kConnectRead})

struct DomainEventRebootMsg {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_EVENT(169, DomainEventReboot, DomainEventRebootMsg)

struct DomainEventRtcChangeMsg {
  NonnullDomain dom;
  int64_t offset = 0;
  XDR_FIELDS(dom, offset)
};
RPC_EVENT(170, DomainEventRtcChange, DomainEventRtcChangeMsg)

struct DomainEventWatchdogMsg {
  NonnullDomain dom;
  int32_t action = 0;
  XDR_FIELDS(dom, action)
};
RPC_EVENT(171, DomainEventWatchdog, DomainEventWatchdogMsg)

struct DomainEventIoErrorMsg {
  NonnullDomain dom;
  std::string srcPath;
  std::string devAlias;
  int32_t action = 0;
  XDR_FIELDS(dom, srcPath, devAlias, action)
};
RPC_EVENT(172, DomainEventIoError, DomainEventIoErrorMsg)

struct DomainEventGraphicsAddress {
  int32_t family = 0;
  std::string node;
  std::string service;
  XDR_FIELDS(family, node, service)
};
struct DomainEventGraphicsIdentity {
  std::string type;
  std::string name;
  XDR_FIELDS(type, name)
};
struct DomainEventGraphicsMsg {
  NonnullDomain dom;
  int32_t phase = 0;
  DomainEventGraphicsAddress local;
  DomainEventGraphicsAddress remote;
  std::string authScheme;
  xdr::List<DomainEventGraphicsIdentity, kDomainEventGraphicsIdentityMax> subject;
  XDR_FIELDS(dom, phase, local, remote, authScheme, subject)
};
RPC_EVENT(173, DomainEventGraphics, DomainEventGraphicsMsg)

struct DomainEventIoErrorReasonMsg {
  NonnullDomain dom;
  std::string srcPath;
  std::string devAlias;
  int32_t action = 0;
  std::string reason;
  XDR_FIELDS(dom, srcPath, devAlias, action, reason)
};
RPC_EVENT(195, DomainEventIoErrorReason, DomainEventIoErrorReasonMsg)

struct DomainEventControlErrorMsg {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_EVENT(224, DomainEventControlError, DomainEventControlErrorMsg)

struct DomainEventBlockJobMsg {
  NonnullDomain dom;
  std::string path;
  int32_t type = 0;
  int32_t status = 0;
  XDR_FIELDS(dom, path, type, status)
};
RPC_EVENT(241, DomainEventBlockJob, DomainEventBlockJobMsg)

struct DomainEventDiskChangeMsg {
  NonnullDomain dom;
  std::optional<std::string> oldSrcPath;
  std::optional<std::string> newSrcPath;
  std::string devAlias;
  int32_t reason = 0;
  XDR_FIELDS(dom, oldSrcPath, newSrcPath, devAlias, reason)
};
RPC_EVENT(248, DomainEventDiskChange, DomainEventDiskChangeMsg)

struct DomainEventTrayChangeMsg {
  NonnullDomain dom;
  std::string devAlias;
  int32_t reason = 0;
  XDR_FIELDS(dom, devAlias, reason)
};
RPC_EVENT(268, DomainEventTrayChange, DomainEventTrayChangeMsg)

struct DomainEventPmwakeupMsg {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_EVENT(269, DomainEventPmwakeup, DomainEventPmwakeupMsg)

struct DomainEventPmsuspendMsg {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_EVENT(270, DomainEventPmsuspend, DomainEventPmsuspendMsg)

struct DomainEventBalloonChangeMsg {
  NonnullDomain dom;
  uint64_t actual = 0;
  XDR_FIELDS(dom, actual)
};
RPC_EVENT(276, DomainEventBalloonChange, DomainEventBalloonChangeMsg)

struct DomainEventPmsuspendDiskMsg {
  NonnullDomain dom;
  XDR_FIELDS(dom)
};
RPC_EVENT(292, DomainEventPmsuspendDisk, DomainEventPmsuspendDiskMsg)

struct DomainEventDeviceRemovedMsg {
  NonnullDomain dom;
  std::string devAlias;
  XDR_FIELDS(dom, devAlias)
};
RPC_EVENT(311, DomainEventDeviceRemoved, DomainEventDeviceRemovedMsg)

struct ConnectDomainEventCallbackRegisterAnyArgs {
  int32_t eventID = 0;
  std::optional<NonnullDomain> dom;
  XDR_FIELDS(eventID, dom)
};
struct ConnectDomainEventCallbackRegisterAnyRet {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(316, ConnectDomainEventCallbackRegisterAny, ConnectDomainEventCallbackRegisterAnyArgs,
         ConnectDomainEventCallbackRegisterAnyRet, .priority = true,
         .acl = {Permission::kConnectSearchDomains}, .filter = {Permission::kDomainGetattr})

struct ConnectDomainEventCallbackDeregisterAnyArgs {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(317, ConnectDomainEventCallbackDeregisterAny, ConnectDomainEventCallbackDeregisterAnyArgs, void,
         .priority = true, .acl = {Permission::kConnectRead})

struct DomainEventCallbackLifecycleMsg {
  int32_t callbackID = 0;
  DomainEventLifecycleMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(318, DomainEventCallbackLifecycle, DomainEventCallbackLifecycleMsg)

struct DomainEventCallbackRebootMsg {
  int32_t callbackID = 0;
  DomainEventRebootMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(319, DomainEventCallbackReboot, DomainEventCallbackRebootMsg)

struct DomainEventCallbackRtcChangeMsg {
  int32_t callbackID = 0;
  DomainEventRtcChangeMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(320, DomainEventCallbackRtcChange, DomainEventCallbackRtcChangeMsg)

struct DomainEventCallbackWatchdogMsg {
  int32_t callbackID = 0;
  DomainEventWatchdogMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(321, DomainEventCallbackWatchdog, DomainEventCallbackWatchdogMsg)

struct DomainEventCallbackIoErrorMsg {
  int32_t callbackID = 0;
  DomainEventIoErrorMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(322, DomainEventCallbackIoError, DomainEventCallbackIoErrorMsg)

struct DomainEventCallbackGraphicsMsg {
  int32_t callbackID = 0;
  DomainEventGraphicsMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(323, DomainEventCallbackGraphics, DomainEventCallbackGraphicsMsg)

struct DomainEventCallbackIoErrorReasonMsg {
  int32_t callbackID = 0;
  DomainEventIoErrorReasonMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(324, DomainEventCallbackIoErrorReason, DomainEventCallbackIoErrorReasonMsg)

struct DomainEventCallbackControlErrorMsg {
  int32_t callbackID = 0;
  DomainEventControlErrorMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(325, DomainEventCallbackControlError, DomainEventCallbackControlErrorMsg)

struct DomainEventCallbackBlockJobMsg {
  int32_t callbackID = 0;
  DomainEventBlockJobMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(326, DomainEventCallbackBlockJob, DomainEventCallbackBlockJobMsg)

struct DomainEventCallbackDiskChangeMsg {
  int32_t callbackID = 0;
  DomainEventDiskChangeMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(327, DomainEventCallbackDiskChange, DomainEventCallbackDiskChangeMsg)

struct DomainEventCallbackTrayChangeMsg {
  int32_t callbackID = 0;
  DomainEventTrayChangeMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(328, DomainEventCallbackTrayChange, DomainEventCallbackTrayChangeMsg)

struct DomainEventCallbackPmwakeupMsg {
  int32_t callbackID = 0;
  int32_t reason = 0;
  DomainEventPmwakeupMsg msg;
  XDR_FIELDS(callbackID, reason, msg)
};
RPC_EVENT(329, DomainEventCallbackPmwakeup, DomainEventCallbackPmwakeupMsg)

struct DomainEventCallbackPmsuspendMsg {
  int32_t callbackID = 0;
  int32_t reason = 0;
  DomainEventPmsuspendMsg msg;
  XDR_FIELDS(callbackID, reason, msg)
};
RPC_EVENT(330, DomainEventCallbackPmsuspend, DomainEventCallbackPmsuspendMsg)

struct DomainEventCallbackBalloonChangeMsg {
  int32_t callbackID = 0;
  DomainEventBalloonChangeMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(331, DomainEventCallbackBalloonChange, DomainEventCallbackBalloonChangeMsg)

struct DomainEventCallbackPmsuspendDiskMsg {
  int32_t callbackID = 0;
  int32_t reason = 0;
  DomainEventPmsuspendDiskMsg msg;
  XDR_FIELDS(callbackID, reason, msg)
};
RPC_EVENT(332, DomainEventCallbackPmsuspendDisk, DomainEventCallbackPmsuspendDiskMsg)

struct DomainEventCallbackDeviceRemovedMsg {
  int32_t callbackID = 0;
  DomainEventDeviceRemovedMsg msg;
  XDR_FIELDS(callbackID, msg)
};
RPC_EVENT(333, DomainEventCallbackDeviceRemoved, DomainEventCallbackDeviceRemovedMsg)

struct DomainEventBlockJob2Msg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  std::string dst;
  int32_t type = 0;
  int32_t status = 0;
  XDR_FIELDS(callbackID, dom, dst, type, status)
};
RPC_EVENT(339, DomainEventBlockJob2, DomainEventBlockJob2Msg)

struct DomainEventCallbackTunableMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainEventTunableMax> params;
  XDR_FIELDS(callbackID, dom, params)
};
RPC_EVENT(346, DomainEventCallbackTunable, DomainEventCallbackTunableMsg)

struct DomainEventCallbackAgentLifecycleMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  int32_t state = 0;
  int32_t reason = 0;
  XDR_FIELDS(callbackID, dom, state, reason)
};
RPC_EVENT(348, DomainEventCallbackAgentLifecycle, DomainEventCallbackAgentLifecycleMsg)

struct DomainEventCallbackDeviceAddedMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  std::string devAlias;
  XDR_FIELDS(callbackID, dom, devAlias)
};
RPC_EVENT(354, DomainEventCallbackDeviceAdded, DomainEventCallbackDeviceAddedMsg)

struct DomainEventCallbackMigrationIterationMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  int32_t iteration = 0;
  XDR_FIELDS(callbackID, dom, iteration)
};
RPC_EVENT(359, DomainEventCallbackMigrationIteration, DomainEventCallbackMigrationIterationMsg)

struct DomainEventCallbackJobCompletedMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  xdr::List<TypedParam, kDomainJobStatsMax> params;
  XDR_FIELDS(callbackID, dom, params)
};
RPC_EVENT(363, DomainEventCallbackJobCompleted, DomainEventCallbackJobCompletedMsg)

struct DomainEventCallbackDeviceRemovalFailedMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  std::string devAlias;
  XDR_FIELDS(callbackID, dom, devAlias)
};
RPC_EVENT(367, DomainEventCallbackDeviceRemovalFailed, DomainEventCallbackDeviceRemovalFailedMsg)

struct DomainEventCallbackMetadataChangeMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  int32_t type = 0;
  std::optional<std::string> nsuri;
  XDR_FIELDS(callbackID, dom, type, nsuri)
};
RPC_EVENT(379, DomainEventCallbackMetadataChange, DomainEventCallbackMetadataChangeMsg)

struct DomainEventBlockThresholdMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  std::string dev;
  std::optional<std::string> path;
  uint64_t threshold = 0;
  uint64_t excess = 0;
  XDR_FIELDS(callbackID, dom, dev, path, threshold, excess)
};
RPC_EVENT(385, DomainEventBlockThreshold, DomainEventBlockThresholdMsg)

struct DomainEventMemoryFailureMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  int32_t recipient = 0;
  int32_t action = 0;
  uint32_t flags = 0;
  XDR_FIELDS(callbackID, dom, recipient, action, flags)
};
RPC_EVENT(423, DomainEventMemoryFailure, DomainEventMemoryFailureMsg)

struct DomainEventMemoryDeviceSizeChangeMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  std::string alias;
  uint64_t size = 0;
  XDR_FIELDS(callbackID, dom, alias, size)
};
RPC_EVENT(438, DomainEventMemoryDeviceSizeChange, DomainEventMemoryDeviceSizeChangeMsg)

struct DomainEventNicMacChangeMsg {
  int32_t callbackID = 0;
  NonnullDomain dom;
  std::string alias;
  std::string oldMAC;
  std::string newMAC;
  XDR_FIELDS(callbackID, dom, alias, oldMAC, newMAC)
};
RPC_EVENT(453, DomainEventNicMacChange, DomainEventNicMacChangeMsg, .filter = {Permission::kDomainGetattr})

}  // namespace bv::remote
