#pragma once

#include "model/domain/domain.h"
#include "qemu/config.h"

namespace bv::qemu {

// Writes into a starting guest's live definition what the host decided about it: its partition of the
// control groups, and the user and group it runs as (<seclabel model='dac'>; system mode only).
void DescribePlacement(model::DomainDef& live, const QemuConfig& config, bool has_cgroup);

}  // namespace bv::qemu
