// Deleting snapshots.

#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"
#include "qemu/qemu_img.h"
#include "qemu/snapshot_calls.h"
#include "qemu/snapshot_rules.h"

namespace bv::qemu {
namespace {

void CheckDroppable(const MomentTree<model::Snapshot>& tree, const std::string& name, bool with_children) {
  auto* snapshot = tree.Find(name);
  if (!snapshot || !snapshot->IsExternal()) return;
  if (with_children)
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "deletion of external children disk snapshots not supported");
  auto* parent = tree.ParentOf(*snapshot);
  if (parent && !parent->IsExternal())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                "deleting external snapshot that has internal snapshot as parent not supported");
  if (tree.Children(snapshot).size() > 1)
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "deletion of external snapshot with multiple children not supported");
}

}  // namespace

Task<> SnapshotCalls::Drop(DomainPtr domain, std::string name, bool metadata_only) {
  auto* going = MomentStore::Of(domain).snapshots.Find(name);
  if (!going) co_return;
  if (!metadata_only) {
    if (going->IsExternal()) co_await DropExternal(domain, name);
    else co_await DropInternal(domain, *going);
  }
  co_await driver_->moments_->ForgetSnapshot(domain, name);
}

Task<> SnapshotCalls::DropInternal(DomainPtr domain, const model::Snapshot& snapshot) {
  auto name = snapshot.name;
  if (domain->active()) {
    auto line = "delvm " + HumanQuoted(name);
    auto said = co_await driver_->guests_->MonitorOf(domain).ExecuteHuman(line);
    if (!said.empty()) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, fmt::format("Failed to delete snapshot: {}", said));
    co_return;
  }
  auto images = InternalImages(snapshot, domain->def());
  for (auto& image : images) {
    try {
      std::vector<std::string> arguments{"snapshot", "-d", name, image};
      co_await QemuImg(arguments);
    } catch (const Error& error) {
      // An image that has changed meanwhile does not keep what is known of the others.
      LogWarn("qemu.qemu_snapshot", "{}", error.message);
    }
  }
}

Task<> SnapshotCalls::DomainSnapshotDelete(Call&, remote::DomainSnapshotDeleteArgs args) {
  enum : unsigned { kChildren = 1, kMetadataOnly = 2, kChildrenOnly = 4 };
  CheckFlags(args.flags, kChildren | kMetadataOnly | kChildrenOnly, "qemuSnapshotDelete");
  auto domain = co_await Find(args.snap.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSnapshotDelete");
  auto& tree = MomentStore::Of(domain).snapshots;
  auto* snapshot = tree.Find(args.snap.name);
  if (!snapshot)
    throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomainSnapshot, fmt::format("no domain snapshot with matching name '{}'", args.snap.name));
  bool with_children = args.flags & (kChildren | kChildrenOnly), metadata_only = args.flags & kMetadataOnly;
  std::vector<std::string> doomed;
  if (with_children) {
    for (auto* child : tree.Descendants(snapshot)) doomed.insert(doomed.begin(), child->name);
  }
  if (!(args.flags & kChildrenOnly)) doomed.push_back(snapshot->name);
  for (auto& name : doomed) {
    if (!metadata_only) CheckDroppable(tree, name, with_children);
  }
  for (auto& name : doomed) co_await Drop(domain, name, metadata_only);
}

}  // namespace bv::qemu
