#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// The place of a device in the guest's boot order, 0 for none. With <os><boot dev=.../>, the first
// disk, CD-ROM, floppy and interface get the places of their kinds; else each device's own <boot
// order=.../> counts. `info` must be that of a device of `def`.
unsigned EffectiveBootIndex(const model::DomainDef& def, const model::DeviceInfo& info);

}  // namespace bv::qemu
