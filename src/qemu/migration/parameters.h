#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "qemu/guests.h"
#include "qemu/migration/cookie.h"
#include "qemu/migration/options.h"
#include "qemu/migration/state.h"

namespace bv::qemu {

// What QEMU is told about how it is to migrate: its capabilities and parameters.

enum class MigrationSide { kSource, kDestination };

// What a client may not ask for on this side: kInvalidArg, kOperationInvalid.
void CheckParameters(const MigrationOptions& options, MigrationSide side);

// For the cookie: what this QEMU knows about, of what we use.
Task<std::vector<MigrationCookie::Capability>> KnownCapabilities(Guests* guests, DomainPtr domain, MigrationSide side);

// Sets everything, also what an earlier migration may have left, and notes what was there before.
// kArgumentUnsupported when one of the hosts cannot do what is asked for.
// `peer` is what the certificate of the other side must be for; empty on the destination.
Task<> SetParameters(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationOptions options, MigrationSide side,
                     const MigrationCookie* cookie, std::string peer);

// The way it was. What fails is logged: the guest may be gone.
Task<> ResetParameters(Guests* guests, DomainPtr domain, MigrationPtr migration);

// Of a migration without a limit, in MiB/s, and in bytes.
inline constexpr std::uint64_t kMaxMigrationSpeed = (std::uint64_t{1} << 63) / (1024 * 1024) - 1;
std::uint64_t BandwidthOf(const Domain& domain, const MigrationOptions& options);

}  // namespace bv::qemu
