#pragma once

#include "base/task.h"
#include "qemu/guests.h"
#include "qemu/migration/parameters.h"
#include "qemu/migration/state.h"

namespace bv::qemu {

// The name of the object with the certificates that migrations use (qemu.conf's migrate_tls_*).
inline constexpr const char* kMigrationTls = "objlibvirt_migrate_tls0";

// Gives QEMU the certificates, and takes them away again. QEMU's own words are thrown when they are not usable.
Task<> AddMigrationTls(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationSide side);
Task<> RemoveMigrationTls(Guests* guests, DomainPtr domain, MigrationPtr migration);

}  // namespace bv::qemu
