#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Brings disks and controllers into the order in which libvirt keeps them: each behind the last of its
// kind (bus, type) with a lower number, otherwise as written. Disks that were written without a bus
// are a kind of their own, so they are ordered before they get one. Idempotent.
void OrderDisks(model::DomainDef& def);
void OrderControllers(model::DomainDef& def);

}  // namespace bv::qemu
