#include "drivers.h"

namespace bv {

// The log driver is not there yet.
void AddVirtlogdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
