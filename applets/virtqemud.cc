#include "drivers.h"
#include "qemu/driver.h"
#include "qemu/host_device_driver.h"

namespace bv {

void AddVirtqemudDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<qemu::QemuDriver>(environment));
  drivers.push_back(std::make_unique<qemu::HostDeviceDriver>());
}

}  // namespace bv
