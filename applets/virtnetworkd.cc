#include "drivers.h"
#include "network/network_driver.h"

namespace bv {

void AddVirtnetworkdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<network::NetworkDriver>(environment));
}

}  // namespace bv
