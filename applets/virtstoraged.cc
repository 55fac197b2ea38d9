#include "drivers.h"

namespace bv {

// The storage driver is not there yet.
void AddVirtstoragedDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
