#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// bhyve is FreeBSD's.
void AddVirtbhyvedDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("bhyve", "BHYVE", true, environment));
}

}  // namespace bv
