#include "daemon/silent_driver.h"
#include "drivers.h"

namespace bv {

// The network filter driver comes later.
void AddVirtnwfilterdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<SilentDriver>("nwfilter", "nwfilter", false, environment));
}

}  // namespace bv
