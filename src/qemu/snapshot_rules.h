#pragma once

#include "qemu/domain.h"
#include "qemu/moments.h"

namespace bv::qemu {

// Which disks a snapshot is of, and how: every disk of the definition gets its entry, in the definition's
// order, with what the client left open. Throws kConfigUnsupported of kDomainSnapshot. Looks at files.
struct SnapshotAlignment {
  model::SnapshotLocation location = model::SnapshotLocation::kInternal;  // where nothing else is said
  bool uniform = true;  // all disks must have it, but those that take no part by their definition
};
void AlignSnapshotDisks(model::Snapshot& snapshot, const model::DomainDef& def, SnapshotAlignment alignment);

// The alignment that a snapshot asks for by what it has of its own.
SnapshotAlignment AlignmentOf(const model::Snapshot& snapshot);

// A snapshot that a client defines, without taking it: completed from the one that it replaces, if any, and
// checked against it and the domain. `disk_only` is the call's flag.
void PrepareRedefinition(const MomentTree<model::Snapshot>& tree, model::Snapshot& snapshot, const Uuid& domain, bool disk_only);

// Whether a new snapshot, aligned already, can be taken of the domain as it is. The format of overlays is
// filled in. Looks at files.
void CheckTakeable(model::Snapshot& snapshot, const Domain& domain, bool reuse);

// The image files of the disks that an internal snapshot is in.
std::vector<std::string> InternalImages(const model::Snapshot& snapshot, const model::DomainDef& def);

// A snapshot's name as an argument of the human monitor.
std::string HumanQuoted(const std::string& name);

}  // namespace bv::qemu
