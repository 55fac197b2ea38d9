#pragma once

#include "model/domain/domain.h"
#include "qemu/defaults/pci_bus.h"
#include "qemu/defaults/pci_connect.h"

namespace bv::qemu {

bool HasPciRoot(const model::DomainDef& def);
bool HasPcieRoot(const model::DomainDef& def);

// The IDE and USB functions of the PIIX3: part of the board, at 0000:00:01.1 and .2.
bool IsBuiltinPiix3(const model::Controller& controller);

// Takes the places that the guest's board occupies by itself, and gives those devices their usual
// places that real boards have there (primary video, first SATA controller, ICH9 sound ...).
// Throws where the configuration has put such a device elsewhere.
void ReserveBoardPlaces(model::DomainDef& def, PciBusSet& buses, PciBoard board);

}  // namespace bv::qemu
