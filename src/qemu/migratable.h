#pragma once

#include <string>

#include "model/domain/domain.h"
#include "qemu/domain.h"

namespace bv::qemu {

// The definition as a daemon on another host, perhaps an old one, is to read it: without the devices
// that every daemon adds by itself, and that old ones do not know. Throws the parser's errors where a
// definition cannot be read back.
model::DomainDef MigratableDef(const model::DomainDef& def);
inline constexpr unsigned kMigratableFormat = model::kFormatInactive | model::kFormatSecure | model::kFormatMigratable;
std::string MigratableXml(const model::DomainDef& def);
// The definition that the domain has now, with the CPU as the guest was given it. So it is the same on each host that
// the guest comes to.
model::DomainDef MigratableDef(const Domain& domain);
std::string MigratableXml(const Domain& domain);

}  // namespace bv::qemu
