#include "drivers.h"

namespace bv {

// The forwarding driver is not there yet.
void AddVirtproxydDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
