#include "drivers.h"
#include "storage/storage_driver.h"

namespace bv {

void AddVirtstoragedDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  drivers.push_back(std::make_unique<storage::StorageDriver>(environment));
}

}  // namespace bv
