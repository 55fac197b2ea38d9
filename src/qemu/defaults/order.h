#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Brings disks and controllers into the order in which libvirt keeps them: each behind the last of its
// kind (bus, type) with a lower number, otherwise as written. Idempotent.
void OrderDevices(model::DomainDef& def);

}  // namespace bv::qemu
