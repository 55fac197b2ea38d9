#pragma once

#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/config.h"

namespace bv::qemu {

// Devices that a guest has without anybody having asked for them.

// SCSI controllers for devices of the host, which come before all that a board brings along. A second call
// adds those for the addresses that were assigned meanwhile.
void AddScsiForHostdevs(model::DomainDef& def);

// Before the devices get their defaults: what belongs to the board (PCI root, USB and SATA
// controllers, PS/2 input), the balloon, a sound backend, the serial port behind a console.
// Throws kXmlError (domain kQemu) where the configuration contradicts the board.
void AddBoardDevices(model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config);
void MatchConsoleWithSerial(model::DomainDef& def);

// After them: controllers for disks, channels, smartcards and SCSI devices of the host; a video card
// where there are graphics.
void AddImplicitVideo(model::DomainDef& def);
void AddImplicitControllers(model::DomainDef& def);

}  // namespace bv::qemu
