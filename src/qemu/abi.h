#pragma once

#include <memory>

#include "model/domain/domain.h"

namespace bv::qemu {

std::unique_ptr<model::DomainDef> CopyDefinition(const model::DomainDef& def);

// Whether a guest that runs, or was saved, with one definition can go on with the other: what it sees must be
// the same, where that comes from on the host need not. Throws kConfigUnsupported of kDomain.
void CheckSameAbi(const model::DomainDef& was, const model::DomainDef& is);

}  // namespace bv::qemu
