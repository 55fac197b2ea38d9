#include "qemu/backup_rules.h"

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/disk_names.h"

namespace bv::qemu {
namespace {

template <typename... Args>
[[noreturn]] void Unsupported(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, fmt::format(format, std::forward<Args>(args)...));
}

void Complete(model::BackupDisk& entry, const model::Backup& backup, const model::Disk& disk, const std::string& suffix) {
  using model::BackupMode;
  if (entry.incremental.empty() && entry.mode != BackupMode::kFull) entry.incremental = backup.incremental;
  if (entry.mode == BackupMode::kDefault) entry.mode = entry.incremental.empty() ? BackupMode::kFull : BackupMode::kIncremental;
  if (entry.mode == BackupMode::kIncremental && entry.incremental.empty())
    Unsupported("disk '{}' is configured for incremental backup but no checkpoint is named", entry.name);
  if (entry.store.format == model::StorageFormat::kNone) entry.store.format = model::StorageFormat::kQcow2;
  if (entry.store.path.empty()) {
    if (entry.store.type != model::StorageType::kFile || disk.source.path.empty() || disk.source.type != model::StorageType::kFile)
      Unsupported("refusing to generate file name for disk '{}'", entry.name);
    entry.store.path = disk.source.path + "." + suffix;
  }
  if (!backup.pull) return;
  if (entry.exportname.empty()) entry.exportname = entry.name;
  if (entry.exportbitmap.empty() && entry.mode == BackupMode::kIncremental) entry.exportbitmap = "backup-" + entry.name;
}

}  // namespace

void AlignBackup(model::Backup& backup, const model::DomainDef& def, const std::string& suffix) {
  std::vector<std::optional<model::BackupDisk>> aligned(def.disks.size());
  for (auto& wanted : backup.disks) {
    auto index = DiskIndex(def, wanted.name);
    if (!index) Unsupported("no disk named '{}'", wanted.name);
    if (aligned[*index]) Unsupported("backup for disk '{}' was requested twice", wanted.name);
    auto& disk = *def.disks[*index];
    if (wanted.wanted && disk.source.IsEmpty()) Unsupported("disk '{}' has no source to be copied", wanted.name);
    aligned[*index] = std::move(wanted);
  }
  backup.disks.clear();
  bool any = false;
  for (std::size_t i = 0; i < aligned.size(); ++i) {
    auto& disk = *def.disks[i];
    if (!aligned[i]) {
      aligned[i].emplace();
      aligned[i]->name = disk.dst;
      aligned[i]->store.type = model::StorageType::kFile;
      aligned[i]->wanted = !backup.disks_given && !disk.source.IsEmpty() && !disk.source.readonly;
    }
    if (aligned[i]->wanted) Complete(*aligned[i], backup, disk, suffix);
    any = any || aligned[i]->wanted;
    backup.disks.push_back(std::move(*aligned[i]));
  }
  if (!any) Unsupported("no disks selected for backup");
}

}  // namespace bv::qemu
