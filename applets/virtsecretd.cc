#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The secret driver comes later.
void AddVirtsecretdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("secret", "secret", false, environment));
}

}  // namespace bv
