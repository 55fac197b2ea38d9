#include "drivers.h"

namespace bv {

// The secret driver is not there yet.
void AddVirtsecretdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
