#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/checkpoint.h"
#include "model/snapshot.h"

namespace bv::qemu {

// A domain's snapshots, or its checkpoints: trees, of which one moment may be the current one.
template <typename Def>
class MomentTree {
 public:
  bool empty() const { return by_name_.empty(); }
  std::size_t size() const { return by_name_.size(); }

  // Null when there is none.
  Def* Find(std::string_view name) const {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.get();
  }
  // One that has that name already is replaced; its children stay its children.
  Def* Add(std::unique_ptr<Def> moment) {
    auto& place = by_name_[moment->name];
    place = std::move(moment);
    return place.get();
  }
  // Its children are left to the caller.
  void Remove(std::string_view name) {
    if (current_ == name) current_.clear();
    if (auto found = by_name_.find(name); found != by_name_.end()) by_name_.erase(found);
  }
  void Clear() {
    by_name_.clear();
    current_.clear();
  }

  Def* current() const { return current_.empty() ? nullptr : Find(current_); }
  void set_current(std::string_view name) { current_ = name; }

  // A parent that is not there makes a root.
  Def* ParentOf(const Def& moment) const { return moment.parent.empty() ? nullptr : Find(moment.parent); }
  // Those right below it; the roots for null.
  std::vector<Def*> Children(const Def* of) const {
    std::vector<Def*> children;
    for (auto& [name, moment] : by_name_) {
      if (ParentOf(*moment) == of) children.push_back(moment.get());
    }
    return children;
  }
  // All below it (all there are for null), parents before their children.
  std::vector<Def*> Descendants(const Def* of) const {
    std::map<const Def*, std::vector<Def*>> below;
    for (auto& [name, moment] : by_name_) below[ParentOf(*moment)].push_back(moment.get());
    std::vector<Def*> all;
    std::vector<Def*> stack(below[of].rbegin(), below[of].rend());
    while (!stack.empty()) {
      auto* moment = stack.back();
      stack.pop_back();
      all.push_back(moment);
      auto& children = below[moment];
      stack.insert(stack.end(), children.rbegin(), children.rend());
    }
    return all;
  }

 private:
  std::map<std::string, std::unique_ptr<Def>, std::less<>> by_name_;
  std::string current_;
};

struct Moments {
  MomentTree<model::Snapshot> snapshots;
  MomentTree<model::Checkpoint> checkpoints;
};

// virDomainSnapshotListFlags, and virDomainCheckpointListFlags as far as they have the same bits. "Roots" of
// a domain and "descendants" of a moment are one bit.
namespace moment_list {
enum : unsigned {
  kRoots = 1 << 0, kDescendants = 1 << 0, kMetadata = 1 << 1, kLeaves = 1 << 2, kNoLeaves = 1 << 3, kNoMetadata = 1 << 4,
  kInactive = 1 << 5, kActive = 1 << 6, kDiskOnly = 1 << 7, kInternal = 1 << 8, kExternal = 1 << 9, kTopological = 1 << 10,
};
inline constexpr unsigned kSnapshotFlags = 0x7ff;
// Roots, topological (which we always are), leaves and no leaves.
inline constexpr unsigned kCheckpointFlags = 0xf;
}  // namespace moment_list

// Those of `from` (null: the domain) that pass the filters, parents first. Without kRoots a domain lists all
// of its moments; without kDescendants a moment lists its children.
std::vector<model::Snapshot*> ListSnapshots(const MomentTree<model::Snapshot>& tree, const model::Snapshot* from, unsigned flags);
std::vector<model::Checkpoint*> ListCheckpoints(const MomentTree<model::Checkpoint>& tree, const model::Checkpoint* from,
                                                unsigned flags);

// A moment's parent must not close a circle: kInvalidArg of kDomain for a parent that is itself, is
// not there, or has it among its ancestors.
template <typename Def>
void CheckParent(const MomentTree<Def>& tree, const Def& moment);
extern template void CheckParent(const MomentTree<model::Snapshot>&, const model::Snapshot&);
extern template void CheckParent(const MomentTree<model::Checkpoint>&, const model::Checkpoint&);

// kXmlDetail for a name that cannot be a file's; `what` is "snapshot" or "checkpoint".
void CheckMomentName(std::string_view name, const char* what);

}  // namespace bv::qemu
