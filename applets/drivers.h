#pragma once

#include "daemon/driver.h"

// Which drivers each daemon has: one function and one short file a daemon.
namespace bv {

using AddDrivers = void(DriverList& drivers, const DriverEnvironment& environment);

AddDrivers AddLibvirtdDrivers, AddVirtbhyvedDrivers, AddVirtinterfacedDrivers, AddVirtlockdDrivers,
    AddVirtlogdDrivers, AddVirtlxcdDrivers, AddVirtnetworkdDrivers, AddVirtnodedevdDrivers,
    AddVirtnwfilterdDrivers, AddVirtproxydDrivers, AddVirtqemudDrivers, AddVirtsecretdDrivers,
    AddVirtstoragedDrivers, AddVirtvboxdDrivers, AddVirtxendDrivers;

}  // namespace bv
