#pragma once

#include <string>
#include <vector>

#include "qemu/domain.h"
#include "qemu/moments.h"

namespace bv::qemu {

// Where a domain's snapshots or checkpoints are kept: DIRECTORY/DOMAIN/NAME.xml, in libvirt's form. All block.

struct MomentFile {
  std::string path, text;
};
std::string MomentPath(const std::string& directory, const std::string& domain, const std::string& name);
void WriteMomentFile(const MomentFile& file);
void RemoveMomentFile(const std::string& path);
// All of a domain's.
void RemoveMomentFiles(const std::string& directory, const std::string& domain);

// What stands in a file. The text is complete as of now; writing it may come later.
std::string MomentText(const Domain& domain, const model::Snapshot& snapshot);
std::string MomentText(const Domain& domain, const model::Checkpoint& checkpoint);

// What is there for a domain; files that are none are logged. Moments whose parent is missing become roots.
void LoadSnapshots(const std::string& directory, const std::string& domain, MomentTree<model::Snapshot>& tree);
void LoadCheckpoints(const std::string& directory, const std::string& domain, MomentTree<model::Checkpoint>& tree);

}  // namespace bv::qemu
