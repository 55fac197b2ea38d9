#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "model/storage_pool.h"
#include "model/storage_volume.h"

namespace bv::storage {

// What pools of a type are made of. Errors have domain kStorage, or are those of programs (kNone). What the tasks
// are given must stay until they have ended.

// Throws kInternalError for types that there is nothing for at all: they cannot even be defined.
void RequireBackend(model::PoolType type);
bool HasBackend(model::PoolType type);
// Directories, mounted or not: the types that can be started, and have volumes.
bool HasDirectory(model::PoolType type);

struct PoolContents {
  std::uint64_t capacity = 0, allocation = 0, available = 0;
  model::StoragePermissions permissions;
  std::vector<model::VolumeDef> volumes;
};

// Whether a pool that was active before the daemon came up is so still. Blocks.
bool IsUp(const model::PoolDef& pool);
Task<> BringUp(const model::PoolDef& pool);
Task<> TakeDown(const model::PoolDef& pool);
Task<PoolContents> Look(const model::PoolDef& pool);

enum BuildFlag : unsigned { kBuildNoOverwrite = 4, kBuildOverwrite = 8 };
Task<> Build(const model::PoolDef& pool, unsigned flags);
Task<> Delete(const model::PoolDef& pool);

// <sources> of what there is for `type`. `specification`: a <source>, or empty.
Task<std::string> FindSources(const std::string& type, const std::string& specification);

// <storagepoolCapabilities>
std::string FormatCapabilities();

}  // namespace bv::storage
