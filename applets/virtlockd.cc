#include "drivers.h"
#include "lockd/lock_driver.h"

namespace bv {

void AddVirtlockdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<lockd::LockDriver>(environment));
}

}  // namespace bv
