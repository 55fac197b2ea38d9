#include "drivers.h"
#include "proxy/proxy_driver.h"

namespace bv {

void AddVirtproxydDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<ProxyDriver>(environment));
}

}  // namespace bv
