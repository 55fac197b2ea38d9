#include "drivers.h"

namespace bv {

// The VirtualBox driver is not there yet.
void AddVirtvboxdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
