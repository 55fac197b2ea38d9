#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The storage driver comes later.
void AddVirtstoragedDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("storage", "storage", false, environment));
}

}  // namespace bv
