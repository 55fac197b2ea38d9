#include "drivers.h"
#include "secret/secret_driver.h"

namespace bv {

void AddVirtsecretdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<secret::SecretDriver>(environment));
}

}  // namespace bv
