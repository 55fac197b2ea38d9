#include "drivers.h"
#include "logd/log_driver.h"

namespace bv {

void AddVirtlogdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<logd::LogDriver>(environment));
}

}  // namespace bv
