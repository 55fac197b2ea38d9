#include "drivers.h"

namespace bv {

// The QEMU driver is not there yet.
void AddVirtqemudDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
