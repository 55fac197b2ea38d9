#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The VirtualBox driver comes later.
void AddVirtvboxdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("vbox", "VBOX", true, environment));
}

}  // namespace bv
