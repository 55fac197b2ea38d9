#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "model/storage_pool.h"
#include "model/storage_volume.h"

namespace bv::storage {

struct PoolContents {
  std::uint64_t capacity = 0, allocation = 0, available = 0;
  // Where looking at the pool tells them.
  std::optional<model::StoragePermissions> permissions;
  std::optional<model::PoolSource> source;
  std::vector<model::VolumeDef> volumes;
};

enum BuildFlag : unsigned { kBuildNoOverwrite = 4, kBuildOverwrite = 8 };

// What pools of a type are made of. Errors have domain kStorage, or are those of programs (kNone). What the tasks
// are given must stay until they have ended.
class Backend {
 public:
  virtual ~Backend() = default;

  // Whether a pool that was active before the daemon came up is so still.
  virtual Task<bool> IsUp(const model::PoolDef& pool) const = 0;
  virtual Task<> BringUp(const model::PoolDef& pool) const;
  virtual Task<> TakeDown(const model::PoolDef& pool) const;
  virtual Task<PoolContents> Look(const model::PoolDef& pool) const = 0;
  // By BuildFlags, not more than one of them.
  virtual Task<> Build(const model::PoolDef& pool, unsigned flags) const;
  virtual Task<> Delete(const model::PoolDef& pool) const;
  // What there is for pools of `type`; `specification`: a <source>, or empty.
  virtual Task<std::vector<model::PoolSource>> FindSources(model::PoolType type, const std::string& specification) const;

  virtual model::VolumeFormats formats() const { return model::VolumeFormats::kNone; }
  // A volume more or less changes what else can be made: one at a time, and the whole pool is looked at after it.
  virtual bool volumes_depend() const { return false; }

  // Says where a volume that is to be made will be, and what it will be. Throws kOperationInvalid for names that are
  // none, kNoSupport where none can be made.
  virtual void PlaceVolume(const model::PoolDef& pool, model::VolumeDef& volume) const;
  // Makes what PlaceVolume() has placed, of `input` if not null, as it is then. All of it or nothing.
  virtual Task<model::VolumeDef> MakeVolume(const model::PoolDef& pool, const model::VolumeDef& volume, const model::VolumeDef* input,
                                            unsigned flags) const;
  virtual Task<> DeleteVolume(const model::PoolDef& pool, const model::VolumeDef& volume) const;
  virtual Task<> ResizeVolume(const model::VolumeDef& volume, std::uint64_t capacity, unsigned flags) const;
};

bool HasBackend(model::PoolType type);
// Throws kInternalError for types that there is nothing for at all: they cannot even be defined.
const Backend& BackendOf(model::PoolType type);

// <storagepoolCapabilities>
std::string FormatCapabilities();

// One each, without state.
extern const Backend& kDirectoryPools;   // dir
extern const Backend& kFileSystemPools;  // fs, netfs
extern const Backend& kLogicalPools;
extern const Backend& kDiskPools;
extern const Backend& kScsiPools;
extern const Backend& kIscsiPools;
extern const Backend& kMultipathPools;

}  // namespace bv::storage
