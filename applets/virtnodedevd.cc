#include "drivers.h"
#include "nodedev/nodedev_driver.h"

namespace bv {

void AddVirtnodedevdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<nodedev::NodeDeviceDriver>(environment));
}

}  // namespace bv
