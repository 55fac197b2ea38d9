#pragma once

#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/config.h"

namespace bv::qemu {

// What the definition as a whole leaves open. Errors have domain kDomain unless said otherwise.

// The machine type in full ("pc" is "pc-i440fx-7.2"); the emulator's own when none is given.
void CompleteMachine(model::DomainDef& def, const QemuCaps& caps);
// The sizes of NUMA cells, memory devices, <memory> and <currentMemory> agree; kXmlError otherwise.
void CompleteSeclabel(model::DomainDef& def);
void CheckTseg(const model::DomainDef& def);
void CompleteMemory(model::DomainDef& def);
// The machine's default CPU, and how strictly a CPU is compared; kConfigUnsupported (domain kQemu).
void CompleteCpu(model::DomainDef& def, const QemuCaps& caps);
// vCPUs that no NUMA cell has belong to the first one; automatic placement extends to memory.
void CompleteNuma(model::DomainDef& def);
void CompleteFirmware(model::DomainDef& def, const QemuConfig& config);
void CompleteBoot(model::DomainDef& def);
// Slots of DIMMs.
void AssignMemorySlots(model::DomainDef& def);

}  // namespace bv::qemu
