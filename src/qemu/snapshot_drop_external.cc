// Deleting external snapshots: what is in the overlay goes into the image below it.

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "qemu/abi.h"
#include "qemu/block_jobs.h"
#include "qemu/disk_names.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"
#include "qemu/qemu_img.h"
#include "qemu/snapshot_calls.h"
#include "qemu/storage_chain.h"

namespace bv::qemu {
namespace {

using model::SnapshotLocation;
using model::StorageSource;

StorageSource* FindPath(model::Disk& disk, const std::string& path) {
  for (auto* image = &disk.source; image && !image->IsTerminator(); image = image->backing.get()) {
    if (image->path == path) return image;
  }
  return nullptr;
}

StorageSource* AbovePath(model::Disk& disk, const std::string& path) {
  for (auto* image = &disk.source; image; image = image->backing.get()) {
    if (image->backing && image->backing->path == path) return image;
  }
  return nullptr;
}

[[noreturn]] void NoOverlay(const std::string& overlay, const std::string& disk) {
  throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, fmt::format("snapshot disk source '{}' of disk '{}' is not in its backing chain", overlay, disk));
}

// What other moments have of the disk was in the overlay, and is now in the image below it.
bool Redirect(model::DomainDef* def, const std::string& disk_name, const std::string& overlay, const StorageSource& below) {
  auto* disk = def ? FindDisk(*def, disk_name) : nullptr;
  if (!disk || disk->source.path != overlay) return false;
  auto copy = CopyImage(below);
  copy->id = 0;
  copy->readonly = disk->source.readonly;
  disk->source = std::move(*copy);
  return true;
}

}  // namespace

Task<> SnapshotCalls::DropExternal(DomainPtr domain, std::string name) {
  auto& tree = MomentStore::Of(domain).snapshots;
  auto* snapshot = tree.Find(name);
  std::vector<std::pair<std::string, std::string>> overlays;
  for (auto& disk : snapshot->disks) {
    if (disk.location == SnapshotLocation::kExternal) overlays.emplace_back(disk.name, disk.source.path);
  }
  auto memory = snapshot->memory == SnapshotLocation::kExternal ? snapshot->memory_file : std::nullopt;
  for (auto& [disk, overlay] : overlays) {
    if (domain->active()) co_await MergeOverlay(domain, disk, overlay);
    else co_await MergeInactiveOverlay(domain, disk, overlay);
  }
  auto remove = [overlays, memory] {
    for (auto& [disk, overlay] : overlays) {
      if (unlink(overlay.c_str()) != 0) LogWarn("qemu.qemu_snapshot", "failed to remove snapshot image '{}'", overlay);
    }
    if (memory && unlink(memory->c_str()) != 0) LogWarn("qemu.qemu_snapshot", "failed to remove memory snapshot '{}'", *memory);
  };
  co_await Offload(std::move(remove));
}

Task<> SnapshotCalls::MergeOverlay(DomainPtr domain, std::string disk_name, std::string overlay) {
  auto* disk = FindDisk(domain->def(), disk_name);
  auto* top = disk ? FindPath(*disk, overlay) : nullptr;
  if (!top || !top->backing || top->backing->IsTerminator()) NoOverlay(overlay, disk_name);
  auto below = CopyImage(*top->backing);
  auto& jobs = *driver_->block_jobs_;
  auto base = top->backing->id, from = top->id;
  bool active = top == &disk->source;
  auto job = co_await jobs.Commit(domain, disk_name, base, from, {});
  job->awaited = true;
  if (active) {
    co_await jobs.AwaitReady(domain, job);
    if (job->ready) co_await jobs.Pivot(domain, job, true);
    else co_await jobs.AwaitEnd(domain, job);
  } else {
    co_await jobs.AwaitEnd(domain, job);
  }
  for (auto* other : MomentStore::Of(domain).snapshots.Descendants(nullptr)) {
    bool changed = Redirect(other->domain.get(), disk_name, overlay, *below);
    changed = Redirect(other->inactive_domain.get(), disk_name, overlay, *below) || changed;
    auto other_name = other->name;
    if (changed) co_await driver_->moments_->StoreSnapshot(domain, other_name);
  }
}

// Nobody has the images open: they are put together from outside.
Task<> SnapshotCalls::MergeInactiveOverlay(DomainPtr domain, std::string disk_name, std::string overlay) {
  constexpr int kActiveCommit = 4, kReady = 3, kCompleted = 0;
  auto changed = CopyDefinition(*domain->config());
  auto* disk = FindDisk(*changed, disk_name);
  if (!disk) NoOverlay(overlay, disk_name);
  co_await ResolveChain(&disk->source, *driver_->config_);
  auto* top = FindPath(*disk, overlay);
  if (!top || !top->backing || top->backing->IsTerminator()) NoOverlay(overlay, disk_name);
  auto below = CopyImage(*top->backing);
  std::vector<std::string> commit{"commit", "-f", std::string(ToString(top->format)), "-b", below->path, overlay};
  co_await QemuImg(commit);
  if (auto* above = AbovePath(*disk, overlay)) {
    std::vector<std::string> rebase{"rebase", "-u", "-f", std::string(ToString(above->format)), "-b", below->path,
                                    "-F", std::string(ToString(below->format)), above->path};
    co_await QemuImg(rebase);
  } else {
    auto& events = driver_->events_;
    events.SendBlockJob(domain->Ref(), overlay, disk_name, kActiveCommit, kReady);
    if (auto* kept = FindDisk(*domain->config(), disk_name)) {
      auto next = CopyImage(*below);
      next->readonly = kept->source.readonly;
      kept->source = std::move(*next);
    }
    events.SendBlockJob(domain->Ref(), below->path, disk_name, kActiveCommit, kCompleted);
  }
  domain->DefChanged();
  co_await driver_->SaveConfig(domain);
  for (auto* other : MomentStore::Of(domain).snapshots.Descendants(nullptr)) {
    auto other_name = other->name;
    if (Redirect(other->domain.get(), disk_name, overlay, *below)) co_await driver_->moments_->StoreSnapshot(domain, other_name);
  }
}

}  // namespace bv::qemu
