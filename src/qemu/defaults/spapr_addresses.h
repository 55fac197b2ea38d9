#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Registers of the devices on a PAPR machine's own bus, each kind from its first one on.
void AssignSpaprAddresses(model::DomainDef& def);

}  // namespace bv::qemu
