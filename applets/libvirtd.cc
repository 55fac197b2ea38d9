#include "drivers.h"

namespace bv {

// Everything in one process. The order is that in which a URI is offered to the drivers, so a
// connection without a URI gets the first hypervisor that can be used.
void AddLibvirtdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  for (AddDrivers* add :
       {AddVirtinterfacedDrivers, AddVirtnetworkdDrivers, AddVirtnodedevdDrivers, AddVirtnwfilterdDrivers,
        AddVirtsecretdDrivers, AddVirtstoragedDrivers, AddVirtxendDrivers, AddVirtqemudDrivers,
        AddVirtlxcdDrivers, AddVirtvboxdDrivers, AddVirtbhyvedDrivers}) {
    add(drivers, environment);
  }
}

}  // namespace bv
