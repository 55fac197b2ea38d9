#include "drivers.h"

namespace bv {

// Everything in one process. The order is that in which a URI is offered to the drivers, so a
// connection without a URI gets the first hypervisor. The hypervisors of which there is no driver are
// left out: a connection to them is refused, as by a libvirtd built without them.
void AddLibvirtdDrivers(DriverList& drivers, const DriverEnvironment& environment) {
  for (AddDrivers* add :
       {AddVirtqemudDrivers, AddVirtinterfacedDrivers, AddVirtnetworkdDrivers, AddVirtnodedevdDrivers,
        AddVirtnwfilterdDrivers, AddVirtsecretdDrivers, AddVirtstoragedDrivers}) {
    add(drivers, environment);
  }
}

}  // namespace bv
