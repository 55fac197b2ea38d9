#include "drivers.h"

namespace bv {

// The bhyve driver is for FreeBSD; here the daemon answers what a connection needs.
void AddVirtbhyvedDrivers(DriverList&, const DriverEnvironment&) {}

}  // namespace bv
