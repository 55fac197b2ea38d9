#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The LXC driver comes later.
void AddVirtlxcdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("lxc", "LXC", true, environment));
}

}  // namespace bv
