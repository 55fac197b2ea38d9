#pragma once

#include <vector>

#include "model/moment.h"

// <domainsnapshot>: the state of a guest's disks, and maybe of its memory, at some moment.
namespace bv::model {

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
  SnapshotState state = SnapshotState::kNoState;
  SnapshotLocation memory = SnapshotLocation::kDefault;
  std::optional<std::string> memory_file;
  std::vector<SnapshotDisk> disks;
  std::unique_ptr<DomainDef> inactive_domain;  // of a running guest, where it differs
  std::string cookie;                          // XML that only the hypervisor's driver understands
  bool current = false;                        // with kMomentStored

  // Of disks or of memory: some of it is in a file of its own.
  bool IsExternal() const;
};

// `flags` are kMoment*. Throws libvirt's errors.
Snapshot ParseSnapshot(std::string_view xml, unsigned flags);
struct SnapshotFormat {
  bool secure = false;  // passwords
  bool stored = false;  // for a file of the daemon
};
std::string FormatSnapshot(const Snapshot& snapshot, SnapshotFormat format);

}  // namespace bv::model
