// Checkpoints of running guests: their bitmaps in QEMU.

#include <fmt/core.h>

#include <ctime>

#include "base/error.h"
#include "base/log.h"
#include "qemu/abi.h"
#include "qemu/bitmaps.h"
#include "qemu/block_nodes.h"
#include "qemu/checkpoint_calls.h"
#include "qemu/checkpoint_rules.h"
#include "qemu/disk_names.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"

namespace bv::qemu {
namespace {

using model::CheckpointType;

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

// Nothing can be done about a guest that does not answer any more.
Task<> ThawQuietly(Task<Json> thaw) {
  try {
    co_await std::move(thaw);
  } catch (const Error& error) {
    LogWarn("qemu.qemu_checkpoint", "cannot thaw the guest's file systems: {}", error.message);
  }
}

void CheckStorage(const model::Checkpoint& checkpoint, const model::DomainDef& def) {
  for (auto& entry : checkpoint.disks) {
    auto* disk = FindDisk(def, entry.name);
    if (entry.type != CheckpointType::kBitmap || !disk) continue;
    if (disk->source.format != model::StorageFormat::kQcow2)
      Fail(ErrorCode::kConfigUnsupported, "checkpoint for disk {} unsupported for storage type {}", entry.name, ToString(disk->source.format));
  }
}

}  // namespace

Json CheckpointCalls::Actions(const model::DomainDef& def, const model::Checkpoint& checkpoint) {
  auto actions = Json::Array();
  for (auto& entry : checkpoint.disks) {
    auto* disk = FindDisk(def, entry.name);
    if (entry.type == CheckpointType::kBitmap && disk) actions.Append(AddBitmap(BitmapNode(disk->source), *entry.bitmap, true));
  }
  return actions;
}

void CheckpointCalls::Prepare(const DomainPtr& domain, model::Checkpoint& checkpoint) {
  auto& tree = MomentStore::Of(domain).checkpoints;
  checkpoint.creation_time = std::time(nullptr);
  if (checkpoint.name.empty()) checkpoint.name = std::to_string(checkpoint.creation_time);
  checkpoint.domain = CopyDefinition(domain->def());
  AlignCheckpointDisks(checkpoint, domain->def());
  CheckStorage(checkpoint, domain->def());
  if (tree.Find(checkpoint.name)) throw Error(ErrorDomain::kDomain, ErrorCode::kOperationFailed, fmt::format("domain moment {} already exists", checkpoint.name));
  if (auto* current = tree.current()) checkpoint.parent = current->name;
}

Task<> CheckpointCalls::Add(DomainPtr domain, std::unique_ptr<model::Checkpoint> checkpoint) {
  auto& tree = MomentStore::Of(domain).checkpoints;
  auto name = checkpoint->name;
  tree.Add(std::move(checkpoint));
  tree.set_current(name);
  co_await driver_->moments_->StoreCheckpoint(domain, name);
}

Task<std::string> CheckpointCalls::Create(DomainPtr domain, std::unique_ptr<model::Checkpoint> checkpoint, bool quiesce) {
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainCheckpointCreateXML");
  RequireActive(*domain);
  Prepare(domain, *checkpoint);
  auto name = checkpoint->name;
  auto arguments = Transaction(Actions(domain->def(), *checkpoint));
  if (quiesce) co_await driver_->AskAgent(domain, "guest-fsfreeze-freeze");
  std::exception_ptr failure;
  try {
    co_await driver_->guests_->MonitorOf(domain).Execute("transaction", arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  if (quiesce) co_await ThawQuietly(driver_->AskAgent(domain, "guest-fsfreeze-thaw"));
  if (failure) std::rethrow_exception(failure);
  co_await Add(domain, std::move(checkpoint));
  co_return name;
}

// The bytes that have changed since the checkpoint, on each of its disks.
Task<> CheckpointCalls::Measure(DomainPtr domain, std::string name) {
  constexpr const char* kScratch = "libvirt-tmp-size-xml";
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainCheckpointGetXMLDesc");
  RequireActive(*domain);
  auto* checkpoint = MomentStore::Of(domain).checkpoints.Find(name);
  if (!checkpoint) co_return;
  auto bitmaps = co_await QueryBitmaps(driver_->guests_->MonitorOf(domain));
  auto actions = Json::Array(), removal = Json::Array();
  std::map<std::string, std::string> scratch;  // by disk
  RequireActive(*domain);
  for (auto& entry : checkpoint->disks) {
    auto* disk = entry.type == CheckpointType::kBitmap ? FindDisk(domain->def(), entry.name) : nullptr;
    if (!disk) continue;
    auto nodes = NodesWithBitmap(bitmaps, disk->source, *entry.bitmap);
    if (nodes.empty()) Fail(ErrorCode::kInvalidArg, "missing or broken bitmap '{}' for disk '{}'", *entry.bitmap, entry.name);
    auto& node = nodes.front();
    actions.Append(AddBitmap(node, kScratch, false, FindBitmap(bitmaps, node, *entry.bitmap)->granularity));
    actions.Append(MergeBitmaps(node, kScratch, nodes, *entry.bitmap));
    removal.Append(RemoveBitmap(node, kScratch));
    scratch[entry.name] = node;
  }
  if (scratch.empty()) co_return;
  auto& monitor = driver_->guests_->MonitorOf(domain);
  auto make = Transaction(std::move(actions));
  co_await monitor.Execute("transaction", make);
  auto counted = co_await QueryBitmaps(driver_->guests_->MonitorOf(domain));
  auto clear = Transaction(std::move(removal));
  co_await driver_->guests_->MonitorOf(domain).Execute("transaction", clear);
  checkpoint = MomentStore::Of(domain).checkpoints.Find(name);
  if (!checkpoint) co_return;
  for (auto& entry : checkpoint->disks) {
    auto found = scratch.find(entry.name);
    auto* bitmap = found == scratch.end() ? nullptr : FindBitmap(counted, found->second, kScratch);
    if (bitmap) entry.size = bitmap->count;
  }
}

// A redefined checkpoint is of use only where its bitmaps are.
Task<> CheckpointCalls::CheckBitmaps(DomainPtr domain, const model::Checkpoint& checkpoint) {
  auto bitmaps = co_await QueryBitmaps(driver_->guests_->MonitorOf(domain));
  RequireActive(*domain);
  for (auto& entry : checkpoint.disks) {
    if (entry.type != CheckpointType::kBitmap) continue;
    auto* disk = FindDisk(domain->def(), entry.name);
    auto* bitmap = disk ? FindBitmap(bitmaps, BitmapNode(disk->source), *entry.bitmap) : nullptr;
    if (!bitmap || !bitmap->usable()) Fail(ErrorCode::kCheckpointInconsistent, "missing or broken bitmap '{}' for disk '{}'", *entry.bitmap, entry.name);
  }
}

Task<> CheckpointCalls::DeleteBitmaps(DomainPtr domain, std::string name) {
  auto* checkpoint = MomentStore::Of(domain).checkpoints.Find(name);
  if (!checkpoint) co_return;
  std::vector<std::pair<std::string, std::string>> wanted;
  for (auto& entry : checkpoint->disks) {
    if (entry.type == CheckpointType::kBitmap) wanted.emplace_back(entry.name, *entry.bitmap);
  }
  auto bitmaps = co_await QueryBitmaps(driver_->guests_->MonitorOf(domain));
  RequireActive(*domain);
  auto actions = Json::Array();
  WritableImages writable(driver_->guests_.get(), domain);
  std::exception_ptr failure;
  try {
    for (auto& [disk_name, bitmap] : wanted) {
      auto* disk = FindDisk(domain->def(), disk_name);
      for (auto* image = disk ? &disk->source : nullptr; image && !image->IsTerminator(); image = image->backing.get()) {
        auto node = BitmapNode(*image);
        if (!FindBitmap(bitmaps, node, bitmap)) break;
        actions.Append(RemoveBitmap(node, bitmap));
        co_await writable.Open(*disk, *image);
      }
    }
    auto arguments = Transaction(actions);
    if (actions.size()) co_await driver_->guests_->MonitorOf(domain).Execute("transaction", arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  co_await writable.Close();
  if (failure) std::rethrow_exception(failure);
}

Task<> CheckpointCalls::DomainCheckpointDelete(Call&, remote::DomainCheckpointDeleteArgs args) {
  enum : unsigned { kChildren = 1, kMetadataOnly = 2, kChildrenOnly = 4 };
  CheckFlags(args.flags, kChildren | kMetadataOnly | kChildrenOnly, "qemuCheckpointDelete");
  auto domain = co_await Find(args.checkpoint.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainCheckpointDelete");
  bool metadata_only = args.flags & kMetadataOnly;
  if (!metadata_only && !domain->active()) Fail(ErrorCode::kOperationUnsupported, "cannot delete checkpoint for inactive domain");
  auto& tree = MomentStore::Of(domain).checkpoints;
  auto* checkpoint = tree.Find(args.checkpoint.name);
  if (!checkpoint) Fail(ErrorCode::kNoDomainCheckpoint, "no domain checkpoint with matching name '{}'", args.checkpoint.name);
  std::vector<std::string> doomed;
  if (args.flags & (kChildren | kChildrenOnly)) {
    for (auto* child : tree.Descendants(checkpoint)) doomed.insert(doomed.begin(), child->name);
  }
  if (!(args.flags & kChildrenOnly)) doomed.push_back(checkpoint->name);
  for (auto& name : doomed) {
    if (!metadata_only) co_await DeleteBitmaps(domain, name);
    co_await driver_->moments_->ForgetCheckpoint(domain, name);
  }
}

}  // namespace bv::qemu
