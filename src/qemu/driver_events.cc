// Registering for events.

#include "qemu/driver.h"

namespace bv::qemu {

Task<remote::ConnectDomainEventRegisterRet> QemuDriver::ConnectDomainEventRegister(Call& call) {
  events_.RegisterOld(call.client(), static_cast<int>(EventId::kLifecycle));
  co_return remote::ConnectDomainEventRegisterRet{1};
}

Task<remote::ConnectDomainEventDeregisterRet> QemuDriver::ConnectDomainEventDeregister(Call& call) {
  events_.DeregisterOld(call.client(), static_cast<int>(EventId::kLifecycle));
  co_return remote::ConnectDomainEventDeregisterRet{0};
}

Task<> QemuDriver::ConnectDomainEventRegisterAny(Call& call, remote::ConnectDomainEventRegisterAnyArgs args) {
  events_.RegisterOld(call.client(), args.eventID);
  co_return;
}

Task<> QemuDriver::ConnectDomainEventDeregisterAny(Call& call, remote::ConnectDomainEventDeregisterAnyArgs args) {
  events_.DeregisterOld(call.client(), args.eventID);
  co_return;
}

Task<remote::ConnectDomainEventCallbackRegisterAnyRet> QemuDriver::ConnectDomainEventCallbackRegisterAny(
    Call& call, remote::ConnectDomainEventCallbackRegisterAnyArgs args) {
  co_return remote::ConnectDomainEventCallbackRegisterAnyRet{events_.Register(call.client(), args.eventID, args.dom)};
}

Task<> QemuDriver::ConnectDomainEventCallbackDeregisterAny(Call& call,
                                                           remote::ConnectDomainEventCallbackDeregisterAnyArgs args) {
  events_.Deregister(call.client(), args.callbackID);
  co_return;
}

Task<qemu_protocol::ConnectDomainMonitorEventRegisterRet> QemuDriver::ConnectDomainMonitorEventRegister(
    Call& call, qemu_protocol::ConnectDomainMonitorEventRegisterArgs args) {
  CheckFlags(args.flags, 3, "qemuConnectDomainQemuMonitorEventRegister");
  qemu_protocol::ConnectDomainMonitorEventRegisterRet ret;
  ret.callbackID = events_.RegisterMonitor(call.client(), args.dom, args.event, args.flags);
  co_return ret;
}

Task<> QemuDriver::ConnectDomainMonitorEventDeregister(Call& call,
                                                       qemu_protocol::ConnectDomainMonitorEventDeregisterArgs args) {
  events_.DeregisterMonitor(call.client(), args.callbackID);
  co_return;
}

}  // namespace bv::qemu
