#pragma once

#include <string>

#include "model/backup.h"
#include "model/domain/domain.h"

namespace bv::qemu {

// Which disks a backup is of, and where each goes: every disk of the definition gets its entry, in the
// definition's order, with what the client left open. `suffix` is for names of files that are made up.
// Throws kConfigUnsupported.
void AlignBackup(model::Backup& backup, const model::DomainDef& def, const std::string& suffix);

}  // namespace bv::qemu
