#pragma once

#include <memory>
#include <string>

#include "daemon/driver.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv {

// Stands in for a driver that this build or this system does not have: connections open and tell
// their type, and every other call answers VIR_ERR_NO_SUPPORT. Clients may subscribe to events of
// objects that there are none of: management programs do so first thing and give up otherwise.
class SilentDriver : public Driver {
 public:
  SilentDriver(std::string scheme, std::string type, bool hypervisor, const DriverEnvironment& environment)
      : scheme_(std::move(scheme)),
        type_(std::move(type)),
        hypervisor_(hypervisor),
        privileged_(environment.privileged) {}

  void Register(Service& service) override;
  bool AcceptsUri(const Uri& uri) const override;
  std::string DefaultUri() const override { return scheme_ + (privileged_ ? ":///system" : ":///session"); }
  bool IsHypervisor() const override { return hypervisor_; }
  // A member with the scheme's name: { "nextCallback" }. There is nothing that subscriptions could miss.
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;

 private:
  Task<remote::ConnectGetTypeRet> GetType(Call& call);
  template <typename RegisterProc, typename DeregisterProc>
  void Subscribe(Service& service);
  template <typename Proc>
  Task<typename Proc::Ret> AddSubscription(Call& call, typename Proc::Args args);
  template <typename Proc>
  Task<> DropSubscription(Call& call, typename Proc::Args args);

  std::string scheme_, type_;
  bool hypervisor_;
  bool privileged_;
  int next_subscription_ = 0;
};

}  // namespace bv
