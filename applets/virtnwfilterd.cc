#include "drivers.h"
#include "nwfilter/nwfilter_driver.h"

namespace bv {

void AddVirtnwfilterdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<nwfilter::NwfilterDriver>(environment));
}

}  // namespace bv
