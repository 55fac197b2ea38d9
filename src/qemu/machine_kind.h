#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Which family of boards a guest's machine type belongs to. `def` has its canonical machine type.
bool IsX86(const model::DomainDef& def);
bool IsArm(const model::DomainDef& def);   // 32 and 64 bit
bool IsPpc64(const model::DomainDef& def);
bool IsS390(const model::DomainDef& def);
bool IsRiscv(const model::DomainDef& def);

bool IsQ35(const model::DomainDef& def);
bool IsI440fx(const model::DomainDef& def);  // "pc" and "pc-N.M" too
bool IsArmVirt(const model::DomainDef& def);
bool IsRiscvVirt(const model::DomainDef& def);
bool IsPseries(const model::DomainDef& def);
bool IsS390Ccw(const model::DomainDef& def);
bool IsMicrovm(const model::DomainDef& def);
bool IsLoongson(const model::DomainDef& def);

// Does the board bring an IDE controller along?
bool HasBuiltinIde(const model::DomainDef& def);
// q35 from 2.4 on has no floppy controller of its own.
bool NeedsFloppyController(const model::DomainDef& def);

}  // namespace bv::qemu
