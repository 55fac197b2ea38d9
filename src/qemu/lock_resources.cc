#include "qemu/lock_resources.h"

#include <fmt/core.h>

#include "base/command.h"
#include "base/encoding.h"
#include "base/error.h"
#include "base/log.h"
#include "model/domain/domain.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

constexpr char kLog[] = "locking.lock_driver_lockd";
// Looks at devices, which may be slow to answer.
constexpr auto kQueryLimit = 30s;

// The first line of what a program says about a device; empty when it has nothing to say.
Task<std::string> Ask(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  std::string answer;
  try {
    auto result = co_await Run(std::move(command), {}, In(kQueryLimit));
    if (result.ok()) answer = result.output;
  } catch (const Error& error) {
    LogInfo(kLog, "{}", error.message);
  }
  answer.erase(0, answer.find_first_not_of(' '));
  answer.resize(std::min(answer.find('\n'), answer.size()));
  co_return answer;
}

Task<LockResource> Resolve(LockableDisk disk, const LockdConfig& config) {
  LockResource lock;
  lock.shared = disk.shared;
  bool device = disk.path.starts_with("/dev");
  if (device && !config.lvm_lockspace_dir.empty()) {
    std::vector<std::string> lvs = {"lvs", "--noheadings", "--unbuffered", "--nosuffix", "--options", "uuid", disk.path};
    lock.name = co_await Ask(std::move(lvs));
    if (!lock.name.empty()) lock.space = config.lvm_lockspace_dir;
  }
  if (device && lock.name.empty() && !config.scsi_lockspace_dir.empty()) {
    std::vector<std::string> scsi_id = {"/lib/udev/scsi_id", "--replace-whitespace", "--whitelisted", "--device", disk.path};
    lock.name = co_await Ask(std::move(scsi_id));
    if (!lock.name.empty()) lock.space = config.scsi_lockspace_dir;
  }
  if (lock.name.empty() && !config.file_lockspace_dir.empty()) {
    lock.name = Sha256(disk.path);
    lock.space = config.file_lockspace_dir;
  }
  lock.autocreate = !lock.name.empty();
  if (lock.name.empty()) lock.name = disk.path;
  co_return lock;
}

bool IsLocal(model::StorageType type) {
  return type == model::StorageType::kFile || type == model::StorageType::kBlock || type == model::StorageType::kDir;
}

// False for a disk that nobody can damage.
bool AddDisk(const model::StorageSource& source, LockTargets& targets) {
  if (!IsLocal(source.type) || source.path.empty() || source.readonly) return false;
  targets.disks.push_back({source.path, source.shared});
  return !source.shared;
}

LockResource LeaseOf(const model::Lease& lease) {
  if (lease.offset != 0)
    throw Error(ErrorDomain::kLocking, ErrorCode::kInternalError, "Offset must be zero for this lock manager");
  LockResource lock;
  lock.space = lease.lockspace.empty() ? lease.path : lease.path + "/" + lease.lockspace;
  lock.name = lease.key;
  return lock;
}

}  // namespace

LockTargets FindLockTargets(const model::DomainDef& def, const LockdConfig& config) {
  LockTargets targets;
  bool exclusive = false;
  for (auto& disk : def.disks) exclusive |= AddDisk(disk->source, targets);
  if (!config.auto_disk_leases) targets.disks.clear();
  for (auto& lease : def.leases) targets.leases.push_back(LeaseOf(*lease));
  bool none = targets.disks.empty() && targets.leases.empty();
  if (none && exclusive && config.require_lease_for_disks)
    throw Error(ErrorDomain::kLocking, ErrorCode::kConfigUnsupported,
                "Read/write, exclusive access, disks were present, but no leases specified");
  return targets;
}

LockTargets FindLockTargets(const model::StorageSource& source, const LockdConfig& config) {
  LockTargets targets;
  if (config.auto_disk_leases) AddDisk(source, targets);
  return targets;
}

LockTargets FindLockTargets(const model::Lease& lease) {
  LockTargets targets;
  targets.leases.push_back(LeaseOf(lease));
  return targets;
}

Task<std::vector<LockResource>> ResolveLocks(LockTargets targets, LockdConfig config) {
  std::vector<LockResource> locks;
  for (auto& disk : targets.disks) locks.push_back(co_await Resolve(disk, config));
  locks.insert(locks.end(), targets.leases.begin(), targets.leases.end());
  co_return locks;
}

}  // namespace bv::qemu
