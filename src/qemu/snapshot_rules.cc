#include "qemu/snapshot_rules.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <set>

#include "base/error.h"
#include "qemu/abi.h"
#include "qemu/disk_names.h"

namespace bv::qemu {
namespace {

using model::SnapshotLocation;
using model::SnapshotState;

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kDomainSnapshot, code, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
[[noreturn]] void Unsupported(fmt::format_string<Args...> format, Args&&... args) {
  Fail(ErrorCode::kConfigUnsupported, format, std::forward<Args>(args)...);
}

void AlignDisk(model::SnapshotDisk& wanted, const model::Disk& disk, SnapshotAlignment alignment) {
  if (wanted.location == SnapshotLocation::kDefault) {
    bool by_definition = disk.snapshot != SnapshotLocation::kDefault && (!alignment.uniform || disk.snapshot == SnapshotLocation::kNo);
    wanted.location = by_definition ? disk.snapshot : alignment.location;
  } else if (alignment.uniform && wanted.location != alignment.location) {
    bool left_out = wanted.location == SnapshotLocation::kNo && disk.snapshot == SnapshotLocation::kNo;
    if (!left_out) Unsupported("disk '{}' must use snapshot mode '{}'", wanted.name, ToString(alignment.location));
  }
  if (!wanted.source.path.empty() && wanted.location != SnapshotLocation::kExternal)
    Unsupported("file '{}' for disk '{}' requires use of external snapshot mode", wanted.source.path, wanted.name);
  wanted.name = disk.dst;
}

// A disk that the client said nothing about.
model::SnapshotDisk EntryFor(const model::Disk& disk, SnapshotAlignment alignment) {
  model::SnapshotDisk entry;
  entry.name = disk.dst;
  entry.source.type = model::StorageType::kFile;
  if (disk.source.IsEmpty()) entry.location = SnapshotLocation::kNo;
  else entry.location = disk.snapshot != SnapshotLocation::kDefault ? disk.snapshot : alignment.location;
  return entry;
}

// An overlay beside the image, whose suffix becomes the snapshot's name.
std::string OverlayFor(const model::Disk& disk, const model::SnapshotDisk& entry, const std::string& snapshot) {
  if (entry.source.type != model::StorageType::kFile)
    Unsupported("cannot generate external snapshot name for disk '{}' on a '{}' device", entry.name, ToString(entry.source.type));
  auto& image = disk.source.path;
  if (image.empty()) Unsupported("cannot generate external snapshot name for disk '{}' without source", entry.name);
  struct stat info;
  if (stat(image.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    Unsupported("source for disk '{}' is not a regular file; refusing to generate external snapshot name", entry.name);
  auto dot = image.rfind('.');
  auto stem = dot != std::string::npos && image.find('/', dot) == std::string::npos ? image.substr(0, dot) : image;
  return stem + "." + snapshot;
}

void NameOverlays(model::Snapshot& snapshot, const model::DomainDef& def) {
  auto& disks = snapshot.disks;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    auto& entry = disks[i];
    if (entry.location != SnapshotLocation::kExternal || !entry.source.path.empty()) continue;
    auto path = OverlayFor(*def.disks[i], entry, snapshot.name);
    for (auto& other : disks) {
      if (other.source.path == path)
        Unsupported("cannot generate external snapshot name for disk '{}': collision with disk '{}'", entry.name, other.name);
    }
    entry.source.path = std::move(path);
  }
}

bool IsOnline(const model::Snapshot& s) { return s.state == SnapshotState::kRunning || s.state == SnapshotState::kPaused; }
bool IsDiskOnly(const model::Snapshot& s) { return s.state == SnapshotState::kDiskSnapshot; }

}  // namespace

SnapshotAlignment AlignmentOf(const model::Snapshot& snapshot) {
  if (IsDiskOnly(snapshot) || snapshot.IsExternal()) return {.location = SnapshotLocation::kExternal, .uniform = false};
  return {};
}

void AlignSnapshotDisks(model::Snapshot& snapshot, const model::DomainDef& def, SnapshotAlignment alignment) {
  if (snapshot.disks.size() > def.disks.size()) Unsupported("too many disk snapshot requests for domain");
  std::vector<std::optional<model::SnapshotDisk>> aligned(def.disks.size());
  for (auto& wanted : snapshot.disks) {
    auto index = DiskIndex(def, wanted.name);
    if (!index) Unsupported("no disk named '{}'", wanted.name);
    if (aligned[*index]) Unsupported("disk '{}' specified twice", wanted.name);
    AlignDisk(wanted, *def.disks[*index], alignment);
    aligned[*index] = std::move(wanted);
  }
  snapshot.disks.clear();
  for (std::size_t i = 0; i < aligned.size(); ++i)
    snapshot.disks.push_back(aligned[i] ? std::move(*aligned[i]) : EntryFor(*def.disks[i], alignment));
  NameOverlays(snapshot, def);
}

void PrepareRedefinition(const MomentTree<model::Snapshot>& tree, model::Snapshot& snapshot, const Uuid& domain, bool disk_only) {
  CheckParent(tree, snapshot);
  if (disk_only && !IsDiskOnly(snapshot)) Fail(ErrorCode::kInvalidArg, "disk-only flag for snapshot {} requires disk-snapshot state", snapshot.name);
  if (snapshot.domain && snapshot.domain->uuid != domain)
    Fail(ErrorCode::kInvalidArg, "definition for snapshot {} must use uuid {}", snapshot.name, domain.ToString());
  if (auto* old = tree.Find(snapshot.name)) {
    if (IsOnline(*old) != IsOnline(snapshot)) Fail(ErrorCode::kInvalidArg, "cannot change between online and offline snapshot state in snapshot {}", snapshot.name);
    if (IsDiskOnly(*old) != IsDiskOnly(snapshot)) Fail(ErrorCode::kInvalidArg, "cannot change between disk only and full system in snapshot {}", snapshot.name);
    if (old->domain && snapshot.domain) CheckSameAbi(*old->domain, *snapshot.domain);
    if (old->domain && !snapshot.domain) {
      snapshot.domain = CopyDefinition(*old->domain);
      snapshot.domain_uuid = old->domain_uuid;
    }
  }
  if (!snapshot.domain) Fail(ErrorCode::kInternalError, "missing domain in snapshot");
  AlignSnapshotDisks(snapshot, *snapshot.domain, AlignmentOf(snapshot));
}

}  // namespace bv::qemu
