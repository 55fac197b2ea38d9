#include "daemon/silent_driver.h"

#include "base/json.h"
#include "daemon/uri.h"

namespace bv {

namespace proc = remote::proc;

void SilentDriver::Register(Service& service) {
  service.On<proc::ConnectGetType>(this, &SilentDriver::GetType);
  if (scheme_ == "network") Subscribe<proc::ConnectNetworkEventRegisterAny, proc::ConnectNetworkEventDeregisterAny>(service);
  if (scheme_ == "storage") {
    Subscribe<proc::ConnectStoragePoolEventRegisterAny, proc::ConnectStoragePoolEventDeregisterAny>(service);
  }
  if (scheme_ == "nodedev") {
    Subscribe<proc::ConnectNodeDeviceEventRegisterAny, proc::ConnectNodeDeviceEventDeregisterAny>(service);
  }
  if (scheme_ == "secret") Subscribe<proc::ConnectSecretEventRegisterAny, proc::ConnectSecretEventDeregisterAny>(service);
}

template <typename RegisterProc, typename DeregisterProc>
void SilentDriver::Subscribe(Service& service) {
  service.On<RegisterProc>(this, &SilentDriver::AddSubscription<RegisterProc>);
  service.On<DeregisterProc>(this, &SilentDriver::DropSubscription<DeregisterProc>);
}

template <typename Proc>
Task<typename Proc::Ret> SilentDriver::AddSubscription(Call&, typename Proc::Args) {
  typename Proc::Ret ret;
  ret.callbackID = next_subscription_++;
  co_return ret;
}

template <typename Proc>
Task<> SilentDriver::DropSubscription(Call&, typename Proc::Args) {
  co_return;
}

void SilentDriver::SaveState(Json& state, upgrade::PassedFds&) const {
  state.Set(scheme_.c_str(), Json::Object({{"nextCallback", next_subscription_}}));
}

void SilentDriver::RestoreState(const Json& state, upgrade::InheritedFds&) {
  next_subscription_ = static_cast<int>(state.Find(scheme_.c_str()).Find("nextCallback").AsInt().value_or(0));
}

bool SilentDriver::AcceptsUri(const Uri& uri) const { return AcceptsLocalUri(uri, scheme_, privileged_); }

Task<remote::ConnectGetTypeRet> SilentDriver::GetType(Call&) {
  remote::ConnectGetTypeRet ret;
  ret.type = type_;
  co_return ret;
}

}  // namespace bv
