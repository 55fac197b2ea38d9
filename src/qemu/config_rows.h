#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/conf.h"
#include "qemu/config.h"

namespace bv {

// Sets in `config` what the file says, checking each value against its key's type. Unknown keys
// are ignored, as libvirt does, so that one file can serve several versions.
void ApplyConfigRows(const std::vector<ConfEntry>& entries, const std::string& filename, QemuConfig& config);

// A key as templates show it: its help, wrapped, and below it, commented out, an example.
void AppendConfigKey(std::string& out, const char* name, const char* sample, std::string_view help);

}  // namespace bv
