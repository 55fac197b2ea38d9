#include "qemu/moments.h"

#include <fmt/core.h>

#include <set>

#include "base/error.h"

namespace bv::qemu {
namespace {

using namespace moment_list;

// Whether `flags` has neither of two filters, both, or the one that holds.
bool Admits(unsigned flags, unsigned yes, unsigned no, bool holds) {
  auto asked = flags & (yes | no);
  return !asked || (asked & (holds ? yes : no));
}

template <typename Def>
std::vector<Def*> Choose(const MomentTree<Def>& tree, const Def* from, bool everything, unsigned flags) {
  auto chosen = everything ? tree.Descendants(from) : tree.Children(from);
  auto leaf_filter = flags & (kLeaves | kNoLeaves);
  if (!leaf_filter || leaf_filter == (kLeaves | kNoLeaves)) return chosen;
  std::set<const Def*> parents;
  for (auto* moment : tree.Descendants(nullptr)) parents.insert(tree.ParentOf(*moment));
  std::erase_if(chosen, [&](auto* moment) { return !Admits(flags, kLeaves, kNoLeaves, !parents.contains(moment)); });
  return chosen;
}

bool PassesKind(const model::Snapshot& snapshot, unsigned flags) {
  using model::SnapshotState;
  if (auto states = flags & (kInactive | kActive | kDiskOnly)) {
    unsigned state = snapshot.state == SnapshotState::kShutoff        ? kInactive
                     : snapshot.state == SnapshotState::kDiskSnapshot ? kDiskOnly
                                                                      : kActive;
    if (!(states & state)) return false;
  }
  return Admits(flags, kExternal, kInternal, snapshot.IsExternal());
}

}  // namespace

std::vector<model::Snapshot*> ListSnapshots(const MomentTree<model::Snapshot>& tree, const model::Snapshot* from, unsigned flags) {
  // All that we know of have metadata.
  if ((flags & (kMetadata | kNoMetadata)) == kNoMetadata) return {};
  bool everything = from ? (flags & kDescendants) != 0 : !(flags & kRoots);
  auto chosen = Choose(tree, from, everything, flags);
  std::erase_if(chosen, [&](auto* snapshot) { return !PassesKind(*snapshot, flags); });
  return chosen;
}

std::vector<model::Checkpoint*> ListCheckpoints(const MomentTree<model::Checkpoint>& tree, const model::Checkpoint* from,
                                                unsigned flags) {
  bool everything = from ? (flags & kDescendants) != 0 : !(flags & kRoots);
  return Choose(tree, from, everything, flags);
}

template <typename Def>
void CheckParent(const MomentTree<Def>& tree, const Def& moment) {
  auto refuse = [](std::string what) { throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, std::move(what)); };
  if (moment.parent.empty()) return;
  if (moment.parent == moment.name) refuse(fmt::format("cannot set moment {} as its own parent", moment.name));
  auto* ancestor = tree.Find(moment.parent);
  if (!ancestor) refuse(fmt::format("parent {} for moment {} not found", moment.parent, moment.name));
  // Those that are there make no circle among themselves: the walk ends.
  for (; ancestor; ancestor = tree.ParentOf(*ancestor)) {
    if (ancestor->parent == moment.name) refuse(fmt::format("parent {} would create cycle to {}", moment.parent, moment.name));
  }
}
template void CheckParent(const MomentTree<model::Snapshot>&, const model::Snapshot&);
template void CheckParent(const MomentTree<model::Checkpoint>&, const model::Checkpoint&);

void CheckMomentName(std::string_view name, const char* what) {
  auto refuse = [&](const char* why) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kXmlDetail, fmt::format("invalid {} name '{}': name can't {}", what, name, why));
  };
  if (name.find('/') != std::string_view::npos) refuse("contain '/'");
  if (name.starts_with('.')) refuse("start with '.'");
}

}  // namespace bv::qemu
