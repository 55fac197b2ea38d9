#pragma once

#include <optional>

#include "daemon/driver.h"
#include "daemon/pid_file.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::interface {

// virtinterfaced's driver: the host's network interfaces as the kernel has them now. It keeps nothing and changes
// nothing, as libvirt's where there is no netcf: the calls that would are left out.
class InterfaceDriver : public Driver {
 public:
  explicit InterfaceDriver(const DriverEnvironment& environment);

  Task<> Start() override;
  Task<> Stop() override;
  void Register(Service& service) override;
  bool AcceptsUri(const Uri& uri) const override;
  std::string DefaultUri() const override { return privileged_ ? "interface:///system" : "interface:///session"; }
  bool IsHypervisor() const override { return false; }
  // Of the state (upgrade/state.h): "interface": { "lock": FD }.
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;

 private:
  Task<remote::ConnectGetTypeRet> GetType(Call& call);
  Task<remote::ConnectNumOfInterfacesRet> CountActive(Call& call);
  Task<remote::ConnectNumOfDefinedInterfacesRet> CountInactive(Call& call);
  Task<remote::ConnectListInterfacesRet> ListActive(Call& call, remote::ConnectListInterfacesArgs args);
  Task<remote::ConnectListDefinedInterfacesRet> ListInactive(Call& call, remote::ConnectListDefinedInterfacesArgs args);
  Task<remote::ConnectListAllInterfacesRet> ListAll(Call& call, remote::ConnectListAllInterfacesArgs args);
  Task<remote::InterfaceLookupByNameRet> LookupByName(Call& call, remote::InterfaceLookupByNameArgs args);
  Task<remote::InterfaceLookupByMacStringRet> LookupByMac(Call& call, remote::InterfaceLookupByMacStringArgs args);
  Task<remote::InterfaceGetXmlDescRet> GetXml(Call& call, remote::InterfaceGetXmlDescArgs args);
  Task<remote::InterfaceIsActiveRet> IsActive(Call& call, remote::InterfaceIsActiveArgs args);

  const bool privileged_;
  const std::string state_dir_;
  std::optional<PidFile> lock_;
  Fd inherited_lock_;  // of another image of this process
};

}  // namespace bv::interface
