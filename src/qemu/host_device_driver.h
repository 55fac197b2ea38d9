#pragma once

#include <optional>
#include <string>

#include "daemon/driver.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::qemu {

// Takes PCI devices from the host for guests, and gives them back: calls about node devices that only hypervisors
// answer, so connections to this one reach them and those to the node devices' own driver do not. Has no state.
class HostDeviceDriver : public Driver {
 public:
  void Register(Service& service) override;
  bool AcceptsUri(const Uri&) const override { return false; }
  std::string DefaultUri() const override { return {}; }
  bool IsHypervisor() const override { return false; }

 private:
  Task<> Dettach(Call& call, remote::NodeDeviceDettachArgs args);
  Task<> DetachFlags(Call& call, remote::NodeDeviceDetachFlagsArgs args);
  Task<> ReAttach(Call& call, remote::NodeDeviceReAttachArgs args);
  Task<> Reset(Call& call, remote::NodeDeviceResetArgs args);

  Task<> Detach(std::string name, std::optional<std::string> driver);
};

}  // namespace bv::qemu
