#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "qemu/lockd_config.h"

namespace bv::model {
struct DomainDef;
struct Lease;
struct StorageSource;
}

namespace bv::qemu {

// One lease as virtlockd knows it.
struct LockResource {
  std::string space;       // a directory; empty: `name` is the path of a disk
  std::string name;
  bool shared = false;
  bool autocreate = false;  // its file comes and goes with it
  bool operator==(const LockResource&) const = default;
};

// A disk that locking is about.
struct LockableDisk {
  std::string path;
  bool shared = false;
};

// What of a definition is to be locked, copied out of it at once so that it may change meanwhile.
struct LockTargets {
  std::vector<LockableDisk> disks;
  std::vector<LockResource> leases;
};
// Throws kConfigUnsupported or kInternalError (domain kLocking) for what cannot be locked under `config`.
LockTargets FindLockTargets(const model::DomainDef& def, const LockdConfig& config);
// One image, for a disk that comes or goes; no disk when it needs no lock.
LockTargets FindLockTargets(const model::StorageSource& source, const LockdConfig& config);
LockTargets FindLockTargets(const model::Lease& lease);

// Which leases stand for them. Asks LVM or udev about block devices where lockspaces for those are
// configured.
Task<std::vector<LockResource>> ResolveLocks(LockTargets targets, LockdConfig config);

}  // namespace bv::qemu
