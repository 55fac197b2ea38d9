// Snapshots of running guests whose parts are in files of their own.

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "qemu/bitmaps.h"
#include "qemu/block_jobs.h"
#include "qemu/block_nodes.h"
#include "qemu/command_line/storage.h"
#include "qemu/driver.h"
#include "qemu/migratable.h"
#include "qemu/migration_wait.h"
#include "qemu/new_image.h"
#include "qemu/qemu_img.h"
#include "qemu/save_image.h"
#include "qemu/snapshot_calls.h"

namespace bv::qemu {
namespace {

using model::SnapshotLocation;
using namespace snapshot_create;
constexpr const char* kSource = "qemu.qemu_snapshot";

[[noreturn]] void NotRunning() { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running"); }

// An overlay on its way into a disk.
struct Overlay : NewImage {
  std::string below;  // node of the image that it comes over
};

Json SnapshotAction(const Overlay& overlay) {
  auto data = Json::Object({{"node", overlay.below}, {"overlay", NamesOf(*overlay.source).format}});
  return Json::Object({{"type", "blockdev-snapshot"}, {"data", std::move(data)}});
}

// The disk's image becomes what the overlay is over.
void PutOver(model::StorageSource& image, model::StorageSource overlay) {
  auto below = std::make_unique<model::StorageSource>(std::move(image));
  below->readonly = true;
  overlay.backing = std::move(below);
  image = std::move(overlay);
}

model::StorageSource OverlaySource(const model::SnapshotDisk& wanted) {
  model::StorageSource source;
  source.type = wanted.source.type;
  source.format = wanted.source.format;
  source.path = wanted.source.path;
  source.seclabels = wanted.source.seclabels;
  source.metadata_cache_max = wanted.source.metadata_cache_max;
  return source;
}

// The new image with its node, ready to be put over the old one.
Task<> Prepare(Guests* guests, DomainPtr domain, Overlay* overlay, bool reuse) {
  auto* guest = domain->guest.get();
  auto& below = overlay->disk->source;
  bool local = overlay->source->type == model::StorageType::kFile || overlay->source->type == model::StorageType::kBlock;
  if (!reuse && local) {
    auto size = co_await VirtualSize(guests, domain, overlay->below);
    // The image below is in use by QEMU: it must not be opened to look at.
    std::vector<std::string> arguments{"create", "-u", "-f", std::string(ToString(overlay->source->format)),
                                       "-F", std::string(ToString(below.format)), "-b", below.path, overlay->source->path,
                                       std::to_string(size)};
    overlay->made = overlay->source->type == model::StorageType::kFile;
    co_await QemuImg(arguments);
  }
  if (domain->guest.get() != guest) NotRunning();
  co_await PlugImage(guests, domain, overlay);
}

// All disks in one transaction of QEMU.
Task<> TakeDisks(Guests* guests, DomainPtr domain, const model::Snapshot& snapshot, bool reuse) {
  auto* guest = domain->guest.get();
  std::vector<std::unique_ptr<Overlay>> overlays;
  std::exception_ptr failure;
  try {
    auto bitmaps = co_await QueryBitmaps(guests->MonitorOf(domain));
    auto actions = Json::Array();
    for (auto& wanted : snapshot.disks) {
      if (wanted.location != SnapshotLocation::kExternal) continue;
      auto overlay = std::make_unique<Overlay>();
      for (auto& disk : domain->def().disks) {
        if (disk->dst == wanted.name) overlay->disk = disk.get();
      }
      overlay->source = std::make_unique<model::StorageSource>(OverlaySource(wanted));
      overlay->source->id = ++guest->next_node;
      overlay->below = NamesOf(overlay->disk->source).format;
      auto* raw = overlay.get();
      overlays.push_back(std::move(overlay));
      co_await Prepare(guests, domain, raw, reuse);
      if (domain->guest.get() != guest) NotRunning();
      actions.Append(SnapshotAction(*raw));
      // Changes go on to be kept track of where they now happen.
      auto found = bitmaps.find(raw->below);
      if (found == bitmaps.end()) continue;
      for (auto& bitmap : found->second) {
        if (bitmap.usable()) actions.Append(AddBitmap(NamesOf(*raw->source).format, bitmap.name, true, bitmap.granularity));
      }
    }
    auto arguments = Transaction(std::move(actions));
    if (!overlays.empty()) co_await guests->MonitorOf(domain).Execute("transaction", arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    for (auto& overlay : overlays) {
      auto* raw = overlay.get();
      co_await TakeBack(guests, domain, raw);
    }
    std::rethrow_exception(failure);
  }
  if (domain->guest.get() != guest) NotRunning();
  auto* config = domain->MutableConfig();
  for (auto& overlay : overlays) {
    auto& image = overlay->disk->source;
    for (auto& wanted : snapshot.disks) {
      if (wanted.name != overlay->disk->dst || !config) continue;
      for (auto& disk : config->disks) {
        if (disk->dst == wanted.name && SameImage(disk->source, image)) PutOver(disk->source, OverlaySource(wanted));
      }
    }
    PutOver(image, std::move(*overlay->source));
  }
  domain->DefChanged();
  co_await guests->StoreStatus(domain);
}

Task<> SaveMemory(Guests* guests, DomainPtr domain, std::string path, bool was_running) {
  SaveImage image;
  image.was_running = was_running;
  image.xml = MigratableXml(domain->def());
  auto create = [path, image] { return std::make_shared<Fd>(SaveImage::Create(path, image)); };
  std::exception_ptr failure;
  try {
    auto fd = co_await Offload(std::move(create));
    co_await MigrateToFd(domain, guests->MonitorOf(domain), fd->get());
    auto complete = [fd] { SaveImage::Complete(fd->get()); };
    co_await Offload(std::move(complete));
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  unlink(path.c_str());
  std::rethrow_exception(failure);
}

}  // namespace

Task<> SnapshotCalls::TakeActiveExternal(DomainPtr domain, const model::Snapshot& snapshot, unsigned flags) {
  auto* guest = domain->guest.get();
  auto* guests = driver_->guests_.get();
  bool memory = snapshot.memory == SnapshotLocation::kExternal;
  bool frozen = false, was_running = domain->state() == State::kRunning, resume = false;
  std::exception_ptr failure;
  try {
    if (flags & kQuiesce) {
      co_await driver_->AskAgent(domain, "guest-fsfreeze-freeze");
      frozen = true;
    }
    if (memory) {
      // While memory is written the guest must stand still, at its end at the latest.
      resume = was_running && !(flags & kHalt);
      if (was_running && !(flags & kLive)) co_await guests->Pause(domain, paused::kSnapshot);
      auto path = *snapshot.memory_file;
      co_await SaveMemory(guests, domain, path, was_running);
      if (domain->guest.get() != guest) NotRunning();
    }
    co_await TakeDisks(guests, domain, snapshot, flags & kReuse);
    if (domain->config()) co_await driver_->SaveConfig(domain);
  } catch (...) {
    failure = std::current_exception();
  }
  if (domain->guest.get() != guest) {
    if (failure) std::rethrow_exception(failure);
    NotRunning();
  }
  if (failure && memory) unlink(snapshot.memory_file->c_str());
  if (!failure && (flags & kHalt)) {
    co_await guests->Stop(domain, shutoff::kFromSnapshot, stopped::kFromSnapshot);
    co_return;
  }
  if ((resume || (failure && was_running)) && domain->state() == State::kPaused) co_await guests->Resume(domain, running::kUnpaused);
  if (frozen && domain->guest.get() == guest) {
    try {
      co_await driver_->AskAgent(domain, "guest-fsfreeze-thaw");
    } catch (const Error& error) {
      LogWarn(kSource, "cannot thaw the guest's file systems: {}", error.message);
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace bv::qemu
