#pragma once

#include <string>

#include "model/domain/domain.h"

namespace bv::qemu {

// The definition as a daemon on another host, perhaps an old one, is to read it: without the devices
// that every daemon adds by itself, and that old ones do not know. Throws the parser's errors where a
// definition cannot be read back.
model::DomainDef MigratableDef(const model::DomainDef& def);
inline constexpr unsigned kMigratableFormat = model::kFormatInactive | model::kFormatSecure | model::kFormatMigratable;
std::string MigratableXml(const model::DomainDef& def);

}  // namespace bv::qemu
