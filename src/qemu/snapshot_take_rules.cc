// What must hold for a snapshot to be taken.

#include <fmt/core.h>
#include <sys/stat.h>

#include "base/error.h"
#include "qemu/guest.h"
#include "qemu/snapshot_rules.h"

namespace bv::qemu {
namespace {

using model::SnapshotLocation;
using model::SnapshotState;
using model::StorageFormat;
using model::StorageType;

template <typename... Args>
[[noreturn]] void Unsupported(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, fmt::format(format, std::forward<Args>(args)...));
}

void CheckInternal(const model::Snapshot& snapshot, const model::Disk& disk, bool active) {
  if (active && snapshot.state == SnapshotState::kDiskSnapshot)
    Unsupported("active qemu domains require external disk snapshots; disk {} requested internal", disk.dst);
  if (disk.source.type != StorageType::kFile && disk.source.type != StorageType::kBlock && !active)
    Unsupported("internal inactive snapshots are not supported on '{}' disks", ToString(disk.source.type));
  auto format = disk.source.format;
  if (format != StorageFormat::kNone && format != StorageFormat::kQcow2)
    Unsupported("internal snapshot for disk {} unsupported for storage type {}", disk.dst, ToString(format));
}

// The overlay is made, unless it is to be there.
void CheckOverlay(const model::SnapshotDisk& wanted, bool reuse) {
  if (wanted.source.type != StorageType::kFile && wanted.source.type != StorageType::kBlock) return;
  auto& path = wanted.source.path;
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) throw SystemError(ErrorDomain::kQemu, fmt::format("unable to stat for disk {}: {}", wanted.name, path));
    if (reuse) throw SystemError(ErrorDomain::kQemu, fmt::format("missing existing file for disk {}: {}", wanted.name, path));
    return;
  }
  if (!S_ISBLK(info.st_mode) && info.st_size > 0 && !reuse)
    Unsupported("external snapshot file for disk {} already exists and is not a block device: {}", wanted.name, path);
}

void CheckExternal(model::SnapshotDisk& wanted, const model::Disk& disk, bool active, bool reuse) {
  auto& format = wanted.source.format;
  if (format == StorageFormat::kNone) format = StorageFormat::kQcow2;
  if (format != StorageFormat::kQcow2 && format != StorageFormat::kQed)
    Unsupported("external snapshot format for disk {} is unsupported: {}", wanted.name, ToString(format));
  if (wanted.source.metadata_cache_max && format != StorageFormat::kQcow2)
    Unsupported("metadata cache max size control is supported only with qcow2 images");
  bool local = disk.source.type == StorageType::kFile || disk.source.type == StorageType::kBlock;
  if (!active && !local) Unsupported("external inactive snapshots are not supported on '{}' disks", ToString(disk.source.type));
  bool local_overlay = wanted.source.type == StorageType::kFile || wanted.source.type == StorageType::kBlock;
  if (!active && !local_overlay) Unsupported("external inactive snapshots are not supported on '{}' disks", ToString(wanted.source.type));
  CheckOverlay(wanted, reuse);
}

}  // namespace

void CheckTakeable(model::Snapshot& snapshot, const Domain& domain, bool reuse) {
  bool active = domain.active(), internal = false, external = false, left_out = false;
  auto& def = domain.def();
  for (std::size_t i = 0; i < snapshot.disks.size(); ++i) {
    auto& wanted = snapshot.disks[i];
    auto& disk = *def.disks[i];
    if (active && wanted.location != SnapshotLocation::kNo) {
      for (auto& [id, job] : domain.guest->block_jobs) {
        if (job->disk == disk.dst)
          throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, fmt::format("disk '{}' already in active block job", disk.dst));
      }
    }
    switch (wanted.location) {
      case SnapshotLocation::kInternal:
        CheckInternal(snapshot, disk, active);
        internal = true;
        break;
      case SnapshotLocation::kExternal:
        CheckExternal(wanted, disk, active, reuse);
        external = true;
        break;
      case SnapshotLocation::kManual:  // somebody else's business
        break;
      default:
        left_out = left_out || (!disk.source.IsEmpty() && !disk.source.readonly);
    }
  }
  bool nothing = !internal && !external;
  if (nothing && snapshot.memory == SnapshotLocation::kNo) Unsupported("nothing selected for snapshot");
  if (snapshot.memory == SnapshotLocation::kInternal && !internal)
    Unsupported("internal memory snapshot requires at least one disk to be selected for snapshot");
  if (nothing && snapshot.state == SnapshotState::kDiskSnapshot)
    Unsupported("disk-only snapshots require at least one disk to be selected for snapshot");
  if (internal && (external || snapshot.memory == SnapshotLocation::kExternal)) Unsupported("mixing internal and external targets for a snapshot is not yet supported");
  if (internal && def.os.loader && def.os.loader->type == model::LoaderType::kPflash)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "internal snapshots of a VM with pflash based firmware are not supported");
  if (internal && left_out) Unsupported("internal and full system snapshots require all disks to be selected for snapshot");
}

std::vector<std::string> InternalImages(const model::Snapshot& snapshot, const model::DomainDef& def) {
  std::vector<std::string> images;
  for (auto& entry : snapshot.disks) {
    if (entry.location != SnapshotLocation::kInternal) continue;
    for (auto& disk : def.disks) {
      if (disk->dst == entry.name && disk->device == model::DiskDevice::kDisk && !disk->source.path.empty()) images.push_back(disk->source.path);
    }
  }
  return images;
}

std::string HumanQuoted(const std::string& name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') quoted += "\\n";
    else quoted += c;
  }
  return quoted + "\"";
}

}  // namespace bv::qemu
