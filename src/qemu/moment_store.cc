#include "qemu/moment_store.h"

#include "base/wait.h"
#include "qemu/moment_files.h"

namespace bv::qemu {

using DomainPtr = std::shared_ptr<Domain>;

namespace {

constexpr auto kSnapshots = &Moments::snapshots;
constexpr auto kCheckpoints = &Moments::checkpoints;

// Whether a moment's file says that it is the current one.
template <auto kTree>
constexpr bool kHasCurrent = std::is_same_v<decltype(kTree), MomentTree<model::Snapshot> Moments::*>;

}  // namespace

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

template <auto kTree>
const std::string& MomentStore::Directory() const {
  return kHasCurrent<kTree> ? config_->dirs.snapshot : config_->dirs.checkpoint;
}

template <auto kTree>
Task<> MomentStore::DiscardAll(DomainPtr domain) {
  if (!domain->moments || ((*domain->moments).*kTree).empty()) co_return;
  ((*domain->moments).*kTree).Clear();
  auto remove = [directory = Directory<kTree>(), name = domain->name()] { RemoveMomentFiles(directory, name); };
  co_await Offload(std::move(remove));
}

template <auto kTree>
Task<> MomentStore::Store(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).*kTree;
  auto* moment = tree.Find(name);
  if (!moment) co_return;
  if constexpr (kHasCurrent<kTree>) moment->current = tree.current() == moment;
  MomentFile file;
  file.path = MomentPath(Directory<kTree>(), domain->name(), name);
  file.text = MomentText(*domain, *moment);
  auto write = [file] { WriteMomentFile(file); };
  co_await Offload(std::move(write));
}

template <auto kTree>
Task<> MomentStore::Forget(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).*kTree;
  auto* going = tree.Find(name);
  if (!going) co_return;
  auto parent = going->parent;
  bool was_current = tree.current() == going;
  // First what is left is told of its new place: a crash in between loses nothing.
  for (auto* child : tree.Children(going)) {
    child->parent = parent;
    auto child_name = child->name;
    co_await Store<kTree>(domain, child_name);
  }
  tree.Remove(name);
  if (was_current && tree.Find(parent)) tree.set_current(parent);
  auto remove = [path = MomentPath(Directory<kTree>(), domain->name(), name)] { RemoveMomentFile(path); };
  co_await Offload(std::move(remove));
  if (was_current && kHasCurrent<kTree>) co_await Store<kTree>(domain, parent);
}

Task<> MomentStore::DiscardSnapshots(DomainPtr domain) { return DiscardAll<kSnapshots>(std::move(domain)); }
Task<> MomentStore::DiscardCheckpoints(DomainPtr domain) { return DiscardAll<kCheckpoints>(std::move(domain)); }

Task<> MomentStore::StoreSnapshot(DomainPtr domain, std::string name) { return Store<kSnapshots>(std::move(domain), std::move(name)); }
Task<> MomentStore::StoreCheckpoint(DomainPtr domain, std::string name) { return Store<kCheckpoints>(std::move(domain), std::move(name)); }

Task<> MomentStore::MakeSnapshotCurrent(DomainPtr domain, std::string name) {
  auto& tree = Of(domain).snapshots;
  auto* before = tree.current();
  auto old = before ? before->name : std::string();
  tree.set_current(name);
  if (!old.empty() && old != name) co_await StoreSnapshot(domain, old);
  if (!name.empty()) co_await StoreSnapshot(domain, name);
}

Task<> MomentStore::ForgetSnapshot(DomainPtr domain, std::string name) { return Forget<kSnapshots>(std::move(domain), std::move(name)); }
Task<> MomentStore::ForgetCheckpoint(DomainPtr domain, std::string name) { return Forget<kCheckpoints>(std::move(domain), std::move(name)); }

}  // namespace bv::qemu
