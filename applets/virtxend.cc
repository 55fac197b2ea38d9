#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The Xen driver comes later.
void AddVirtxendDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("xen", "Xen", true, environment));
}

}  // namespace bv
