#pragma once

#include "qemu/moments.h"

namespace bv::qemu {

// Which disks' changes a checkpoint keeps track of: every disk of the definition gets its entry, in the
// definition's order. Throws kConfigUnsupported of kDomainCheckpoint.
void AlignCheckpointDisks(model::Checkpoint& checkpoint, const model::DomainDef& def);

// A checkpoint that a client defines, without making it.
void PrepareRedefinition(const MomentTree<model::Checkpoint>& tree, model::Checkpoint& checkpoint, const Uuid& domain);

}  // namespace bv::qemu
