#include "drivers.h"

namespace bv {

// The interface driver is not there yet.
void AddVirtinterfacedDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
