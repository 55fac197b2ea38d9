#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The node device driver comes later.
void AddVirtnodedevdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("nodedev", "nodedev", false, environment));
}

}  // namespace bv
