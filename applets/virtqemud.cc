#include "drivers.h"
#include "qemu/driver.h"

namespace bv {

void AddVirtqemudDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<qemu::QemuDriver>(environment));
}

}  // namespace bv
