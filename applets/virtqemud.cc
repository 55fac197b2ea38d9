#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The QEMU driver comes later.
void AddVirtqemudDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("qemu", "QEMU", true, environment));
}

}  // namespace bv
