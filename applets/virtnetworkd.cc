#include "drivers.h"

namespace bv {

// The network driver is not there yet.
void AddVirtnetworkdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
