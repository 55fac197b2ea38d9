#pragma once

#include <string>
#include <vector>

#include "base/conf.h"
#include "qemu/config.h"

namespace bv {

// Sets in `config` what the file says, checking each value against its key's type. Unknown keys
// are ignored, as libvirt does, so that one file can serve several versions.
void ApplyConfigRows(const std::vector<ConfEntry>& entries, const std::string& filename, QemuConfig& config);

}  // namespace bv
