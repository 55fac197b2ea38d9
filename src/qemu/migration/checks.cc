#include "qemu/migration/checks.h"

#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

#include "base/error.h"
#include "base/wait.h"
#include "qemu/moments.h"

namespace bv::qemu {
namespace {

using model::DiskCache;
using model::StorageType;

// File systems that several hosts have at a time; those marked keep all hosts' caches in step.
struct SharedFileSystem {
  long magic;
  bool coherent;
};
constexpr SharedFileSystem kSharedFileSystems[] = {
    {NFS_SUPER_MAGIC, false}, {SMB_SUPER_MAGIC, false}, {0xff534d42, false} /* CIFS */, {0xfe534d42, false} /* SMB2 */,
    {AFS_SUPER_MAGIC, false}, {0x01161970, true} /* GFS2 */, {0x7461636f, true} /* OCFS2 */, {0x00c36400, true} /* Ceph */,
    {0x47504653, true} /* GPFS */, {0x51626d6e, true} /* Quobyte */, {0x0bd00bd0, true} /* Lustre */,
};

[[noreturn]] void Invalid(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, what); }
[[noreturn]] void Unsafe(const char* what) { throw Error(ErrorDomain::kQemu, ErrorCode::kMigrateUnsafe, what); }

// Nullopt for one of this host alone.
std::optional<bool> SharedAndCoherent(const std::string& path) {
  struct statfs info {};
  if (statfs(path.c_str(), &info) != 0)
    throw SystemError(ErrorDomain::kNone, fmt::format("cannot determine filesystem for '{}'", path));
  auto found = std::ranges::find(kSharedFileSystems, static_cast<long>(static_cast<unsigned>(info.f_type)), &SharedFileSystem::magic);
  if (found == std::end(kSharedFileSystems)) return std::nullopt;
  return found->coherent;
}

void CheckDevices(const model::DomainDef& def) {
  for (auto& hostdev : def.hostdevs) {
    if (hostdev->mode != model::HostdevMode::kSubsystem)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "cannot migrate a domain with <hostdev mode='capabilities'>");
    if (hostdev->type == model::HostdevType::kUsb) continue;
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("cannot migrate a domain with <hostdev mode='subsystem' type='{}'>", ToString(hostdev->type)));
  }
  for (auto& fs : def.filesystems) {
    if (fs->driver == model::FsDriver::kVirtiofs) Invalid("migration with virtiofs device is not supported");
  }
  for (auto& shmem : def.shmems) {
    if (shmem->role == model::ShmemRole::kMaster) continue;
    Invalid(fmt::format("shmem device '{}' cannot be migrated, only shmem with role='master' can be migrated", shmem->name));
  }
  if (!def.cpu) return;
  for (auto& feature : def.cpu->features) {
    bool used = feature.policy == model::CpuPolicy::kForce || feature.policy == model::CpuPolicy::kRequire;
    if (feature.name == "invtsc" && used) Invalid(fmt::format("domain has CPU feature: {}", feature.name));
  }
}

}  // namespace

void CheckMigratable(const Domain& domain, const MigrationOptions& options) {
  if (auto* moments = domain.moments.get(); moments && !moments->snapshots.empty())
    Invalid(fmt::format("cannot migrate domain with {} snapshots", moments->snapshots.size()));
  if (options.Has(migrate::kOffline)) return;
  if (options.Has(migrate::kAbortOnError) && domain.state() == State::kPaused && domain.reason() == paused::kIoError)
    Invalid("cannot migrate domain with I/O error");
  if (domain.guest && !domain.guest->block_jobs.empty()) Invalid("domain has active block job");
  CheckDevices(domain.def());
}

bool CopiesDisk(const model::Disk& disk, const MigrationOptions& options) {
  if (!options.CopiesDisks() || disk.source.IsEmpty()) return false;
  if (!options.disks.empty()) return std::ranges::count(options.disks, disk.dst) > 0;
  return !disk.source.shared && !disk.source.readonly;
}

Task<> CheckDisksAreSafe(DomainPtr domain, MigrationOptions options) {
  auto* guest = domain->guest.get();
  const bool drops_caches = guest->caps && guest->caps->Has(QemuCap::kMigrationFileDropCache);
  struct Checked {
    std::string path;
    StorageType type;
    bool cached;
  };
  std::vector<Checked> disks;
  for (auto& disk : domain->def().disks) {
    if (disk->source.IsEmpty() || disk->source.readonly || CopiesDisk(*disk, options)) continue;
    bool uncached = disk->source.shared || disk->driver.cache == DiskCache::kNone || disk->driver.cache == DiskCache::kDirectsync;
    disks.push_back({disk->source.path, disk->source.type, !uncached && !drops_caches});
  }
  auto check = [disks] {
    for (auto& disk : disks) {
      if (disk.type == StorageType::kNvme) Unsafe("Migration with NVMe disks is unsafe");
      if (disk.type == StorageType::kNetwork) continue;
      if (disk.type == StorageType::kFile) {
        auto shared = SharedAndCoherent(disk.path);
        if (!shared) Unsafe("Migration without shared storage is unsafe");
        if (*shared) continue;
      }
      if (disk.cached) Unsafe("Migration may lead to data corruption if disks use cache other than none or directsync");
    }
  };
  co_await Offload(std::move(check));
}

}  // namespace bv::qemu
