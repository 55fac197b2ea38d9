#pragma once

#include "base/task.h"

namespace bv::model {
struct DomainDef;
}

namespace bv::qemu {

// Refuses what a guest's <cachetune> and <memorytune> ask of the processor's resource control: kConfigUnsupported (domain
// kResctrl) on hosts without it, and (domain kQemu) on those that have it.
Task<> CheckResourceControl(const model::DomainDef& def);

}  // namespace bv::qemu
