#include "qemu/moment_store.h"

#include "base/wait.h"
#include "qemu/moment_files.h"

namespace bv::qemu {

using DomainPtr = std::shared_ptr<Domain>;

Moments& MomentStore::Of(const DomainPtr& domain) {
  if (!domain->moments) domain->moments = std::make_unique<Moments>();
  return *domain->moments;
}

void MomentStore::Load(const DomainPtr& domain) {
  Moments found;
  LoadSnapshots(config_->dirs.snapshot, domain->name(), found.snapshots);
  LoadCheckpoints(config_->dirs.checkpoint, domain->name(), found.checkpoints);
  if (!found.snapshots.empty() || !found.checkpoints.empty()) domain->moments = std::make_unique<Moments>(std::move(found));
}

Task<> MomentStore::Discard(DomainPtr domain) {
  co_await DiscardSnapshots(domain);
  co_await DiscardCheckpoints(domain);
}

Task<> MomentStore::DiscardSnapshots(DomainPtr domain) {
  if (!domain->moments || domain->moments->snapshots.empty()) co_return;
  domain->moments->snapshots.Clear();
  auto remove = [directory = config_->dirs.snapshot, name = domain->name()] { RemoveMomentFiles(directory, name); };
  co_await Offload(std::move(remove));
}

Task<> MomentStore::DiscardCheckpoints(DomainPtr domain) {
  if (!domain->moments || domain->moments->checkpoints.empty()) co_return;
  domain->moments->checkpoints.Clear();
  auto remove = [directory = config_->dirs.checkpoint, name = domain->name()] { RemoveMomentFiles(directory, name); };
  co_await Offload(std::move(remove));
}

Task<> MomentStore::StoreSnapshot(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).snapshots;
  auto* snapshot = tree.Find(name);
  if (!snapshot) co_return;
  snapshot->current = tree.current() == snapshot;
  MomentFile file;
  file.path = MomentPath(config_->dirs.snapshot, domain->name(), name);
  file.text = MomentText(*domain, *snapshot);
  auto write = [file] { WriteMomentFile(file); };
  co_await Offload(std::move(write));
}

Task<> MomentStore::StoreCheckpoint(DomainPtr domain, std::string name) {
  auto* checkpoint = Of(domain).checkpoints.Find(name);
  if (!checkpoint) co_return;
  MomentFile file;
  file.path = MomentPath(config_->dirs.checkpoint, domain->name(), name);
  file.text = MomentText(*domain, *checkpoint);
  auto write = [file] { WriteMomentFile(file); };
  co_await Offload(std::move(write));
}

Task<> MomentStore::MakeSnapshotCurrent(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).snapshots;
  auto* before = tree.current();
  auto old = before ? before->name : std::string();
  tree.set_current(name);
  if (!old.empty() && old != name) co_await StoreSnapshot(domain, old);
  if (!name.empty()) co_await StoreSnapshot(domain, name);
}

Task<> MomentStore::ForgetSnapshot(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).snapshots;
  auto* going = tree.Find(name);
  if (!going) co_return;
  auto parent = going->parent;
  bool was_current = tree.current() == going;
  // First what is left is told of its new place: a crash in between loses nothing.
  for (auto* child : tree.Children(going)) {
    child->parent = parent;
    auto child_name = child->name;
    co_await StoreSnapshot(domain, child_name);
  }
  tree.Remove(name);
  auto remove = [path = MomentPath(config_->dirs.snapshot, domain->name(), name)] { RemoveMomentFile(path); };
  co_await Offload(std::move(remove));
  if (was_current && tree.Find(parent)) co_await MakeSnapshotCurrent(domain, parent);
}

Task<> MomentStore::ForgetCheckpoint(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).checkpoints;
  auto* going = tree.Find(name);
  if (!going) co_return;
  auto parent = going->parent;
  bool was_current = tree.current() == going;
  for (auto* child : tree.Children(going)) {
    child->parent = parent;
    auto child_name = child->name;
    co_await StoreCheckpoint(domain, child_name);
  }
  tree.Remove(name);
  if (was_current) tree.set_current(parent);
  auto remove = [path = MomentPath(config_->dirs.checkpoint, domain->name(), name)] { RemoveMomentFile(path); };
  co_await Offload(std::move(remove));
}

}  // namespace bv::qemu
