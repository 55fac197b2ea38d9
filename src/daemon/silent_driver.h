#pragma once

#include <memory>
#include <string>

#include "daemon/driver.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv {

// Stands in for a driver that this build or this system does not have: connections open and tell
// their type, and every other call answers VIR_ERR_NO_SUPPORT.
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

 private:
  Task<remote::ConnectGetTypeRet> GetType(Call& call);

  std::string scheme_, type_;
  bool hypervisor_;
  bool privileged_;
};

}  // namespace bv
