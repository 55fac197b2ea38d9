#include "drivers.h"

namespace bv {

// The node device driver is not there yet.
void AddVirtnodedevdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
