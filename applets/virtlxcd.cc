#include "drivers.h"

namespace bv {

// The LXC driver is not there yet.
void AddVirtlxcdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
