#include "drivers.h"

namespace bv {

// The network filter driver is not there yet.
void AddVirtnwfilterdDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
