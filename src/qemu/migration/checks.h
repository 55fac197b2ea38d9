#pragma once

#include <vector>

#include "base/task.h"
#include "qemu/guests.h"
#include "qemu/migration/options.h"

namespace bv::qemu {

// Throws what keeps the domain where it is: kOperationInvalid, kOperationUnsupported.
void CheckMigratable(const Domain& domain, const MigrationOptions& options);

// Whether a disk's image is copied to the other host rather than used by both.
bool CopiesDisk(const model::Disk& disk, const MigrationOptions& options);

// Throws kMigrateUnsafe when a disk is somewhere where the other host does not see it, or sees it as it was.
Task<> CheckDisksAreSafe(DomainPtr domain, MigrationOptions options);

}  // namespace bv::qemu
