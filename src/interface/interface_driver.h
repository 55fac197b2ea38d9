#pragma once

#include <optional>

#include "daemon/object_driver.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::interface {

// virtinterfaced's driver: the host's network interfaces as the kernel has them now. It keeps nothing and changes
// nothing, as libvirt's where there is no netcf: the calls that would are left out.
class InterfaceDriver : public ObjectDriver {
 public:
  explicit InterfaceDriver(const DriverEnvironment& environment);

  Task<> Start() override;
  void Register(Service& service) override;

 private:
  Task<remote::ConnectNumOfInterfacesRet> CountActive(Call& call);
  Task<remote::ConnectNumOfDefinedInterfacesRet> CountInactive(Call& call);
  Task<remote::ConnectListInterfacesRet> ListActive(Call& call, remote::ConnectListInterfacesArgs args);
  Task<remote::ConnectListDefinedInterfacesRet> ListInactive(Call& call, remote::ConnectListDefinedInterfacesArgs args);
  Task<remote::ConnectListAllInterfacesRet> ListAll(Call& call, remote::ConnectListAllInterfacesArgs args);
  Task<remote::InterfaceLookupByNameRet> LookupByName(Call& call, remote::InterfaceLookupByNameArgs args);
  Task<remote::InterfaceLookupByMacStringRet> LookupByMac(Call& call, remote::InterfaceLookupByMacStringArgs args);
  Task<remote::InterfaceGetXmlDescRet> GetXml(Call& call, remote::InterfaceGetXmlDescArgs args);
  Task<remote::InterfaceIsActiveRet> IsActive(Call& call, remote::InterfaceIsActiveArgs args);

  const std::string state_dir_;
};

}  // namespace bv::interface
