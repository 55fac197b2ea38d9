#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The network driver comes later.
void AddVirtnetworkdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("network", "network", false, environment));
}

}  // namespace bv
