#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The interface driver comes later.
void AddVirtinterfacedDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("interface", "interface", false, environment));
}

}  // namespace bv
