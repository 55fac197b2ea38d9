#include "drivers.h"

namespace bv {

// The Xen driver is not there yet.
void AddVirtxendDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
