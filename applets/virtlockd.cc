#include "drivers.h"

namespace bv {

// The lock driver is not there yet.
void AddVirtlockdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
