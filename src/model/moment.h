#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/domain/domain.h"

// <domainsnapshot> and <domaincheckpoint>: moments of a guest. The definition inside is parsed as any
// other; its hypervisor's defaults are the driver's to make.
namespace bv::model {

struct Moment {
  std::string name;  // empty: the driver makes one of the time
  std::string description;
  std::string parent;
  std::optional<std::int64_t> creation_time;  // seconds since the epoch
  std::unique_ptr<DomainDef> domain;
  std::optional<Uuid> domain_uuid;  // of the <domain> inside, even when there is no more of it than that
};

enum class SnapshotState : std::uint8_t {
  kNoState, kRunning, kBlocked, kPaused, kShutdown, kShutoff, kCrashed, kPmsuspended, kDiskSnapshot,
};
template <>
struct Spelling<SnapshotState> {
  static constexpr const char* kNames[] = {"nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed",
                                           "pmsuspended", "disk-snapshot"};
};

struct SnapshotDisk {
  std::string name;  // target or path
  SnapshotLocation location = SnapshotLocation::kDefault;
  StorageSource source;  // external
};

struct Snapshot : Moment {
  std::optional<SnapshotState> state;
  SnapshotLocation memory = SnapshotLocation::kDefault;
  std::string memory_file;
  std::vector<SnapshotDisk> disks;
  std::unique_ptr<DomainDef> inactive_domain;
};

enum class CheckpointType : std::uint8_t { kDefault, kNo, kBitmap };
template <>
struct Spelling<CheckpointType> {
  static constexpr const char* kNames[] = {"", "no", "bitmap"};
};
struct CheckpointDisk {
  std::string name;
  CheckpointType type = CheckpointType::kDefault;
  std::string bitmap;
  std::optional<std::uint64_t> size;  // bytes, when it was asked for
};
struct Checkpoint : Moment {
  std::vector<CheckpointDisk> disks;
};

enum : unsigned {
  kMomentRedefine = 1 << 0,  // everything that a new moment would get by itself must be there
  kMomentValidate = 1 << 1,
};
Snapshot ParseSnapshot(std::string_view xml, unsigned flags);
Checkpoint ParseCheckpoint(std::string_view xml, unsigned flags);
// `domain_flags` are those of FormatDomain(); a checkpoint may be written without its definition.
std::string FormatSnapshot(const Snapshot& snapshot, unsigned domain_flags);
std::string FormatCheckpoint(const Checkpoint& checkpoint, unsigned domain_flags, bool with_domain);

}  // namespace bv::model
