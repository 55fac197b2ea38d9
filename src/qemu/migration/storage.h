#pragma once

#include "base/task.h"
#include "qemu/guests.h"
#include "qemu/migration/cookie.h"
#include "qemu/migration/options.h"
#include "qemu/migration/state.h"

namespace bv::qemu {

// Disks that the two hosts do not share go from one to the other as QEMU's mirror jobs, over NBD, before the memory does.

// --- the source ---

// What the destination needs to know of them.
Task<MigrationCookie::Nbd> DisksToCopy(Guests* guests, DomainPtr domain, MigrationOptions options);
// Returns when all are in step. Throws when one fails or the migration is to be aborted.
Task<> MirrorDisks(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationOptions options, const MigrationCookie* theirs,
                   MigrationAddress address);
bool MirrorFailed(const Domain& domain, const Migration& migration);
// How far they are; noted in the migration.
Task<> NoteMirrors(Guests* guests, DomainPtr domain, MigrationPtr migration);
// With the guest stopped: both sides are the same, and part.
Task<> EndMirrors(Guests* guests, DomainPtr domain, MigrationPtr migration);
// Whatever there is, in whatever state. What fails is logged.
Task<> RemoveMirrors(Guests* guests, DomainPtr domain);

// --- the destination ---

// Serves the disks that the source says it copies; what goes into the cookie.
Task<MigrationCookie::Nbd> ServeDisks(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationOptions options,
                                      const MigrationCookie* theirs, std::string listen);
Task<> StopServing(Guests* guests, DomainPtr domain, MigrationPtr migration);

}  // namespace bv::qemu
