#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/task.h"
#include "model/domain/storage_source.h"
#include "qemu/monitor.h"

namespace bv::qemu {

// Dirty bitmaps as a running QEMU has them: what checkpoints are made of.
struct DirtyBitmap {
  std::string name;
  std::uint64_t granularity = 0;
  std::uint64_t count = 0;  // dirty bytes
  bool recording = false, persistent = false, inconsistent = false;

  bool usable() const { return recording && persistent && !inconsistent; }
};
using NodeBitmaps = std::map<std::string, std::vector<DirtyBitmap>>;  // by node name

Task<NodeBitmaps> QueryBitmaps(Monitor& monitor);

// Null when there is none.
const DirtyBitmap* FindBitmap(const NodeBitmaps& all, const std::string& node, const std::string& name);
// The node of an image, in which its bitmaps are.
std::string BitmapNode(const model::StorageSource& image);
// The nodes of a chain that have the bitmap, the top first, up to the first that has not.
std::vector<std::string> NodesWithBitmap(const NodeBitmaps& all, const model::StorageSource& top, const std::string& name);

// Actions of a transaction.
Json AddBitmap(const std::string& node, const std::string& name, bool persistent, std::uint64_t granularity = 0);
Json RemoveBitmap(const std::string& node, const std::string& name);
// Ors the bitmaps `from` of `nodes` into that of `node`.
Json MergeBitmaps(const std::string& node, const std::string& name, const std::vector<std::string>& nodes, const std::string& from);
Json Transaction(Json actions);

}  // namespace bv::qemu
