#include "drivers.h"
#include "interface/interface_driver.h"

namespace bv {

void AddVirtinterfacedDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<interface::InterfaceDriver>(environment));
}

}  // namespace bv
