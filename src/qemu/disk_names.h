#pragma once

#include <optional>
#include <string_view>

#include "model/domain/domain.h"

namespace bv::qemu {

// Disks as clients name them: by target ("vda"), or by the path of their image.
std::optional<std::size_t> DiskIndex(const model::DomainDef& def, std::string_view name);
// Null when there is none.
model::Disk* FindDisk(const model::DomainDef& def, std::string_view name);

}  // namespace bv::qemu
