#include "drivers.h"

namespace bv {

// Everything in one process. The order is that in which a URI is offered to the drivers, so a
// connection without a URI gets the first hypervisor; the others start in it, as the original's do. The
// hypervisors of which there is no driver are left out: a connection to them is refused, as by a libvirtd
// built without them.
void AddLibvirtdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  for (AddDrivers* add :
       {AddVirtqemudDrivers, AddVirtnetworkdDrivers, AddVirtinterfacedDrivers, AddVirtsecretdDrivers, AddVirtstoragedDrivers,
        AddVirtnodedevdDrivers, AddVirtnwfilterdDrivers}) {
    add(drivers, environment);
  }
}

}  // namespace bv
