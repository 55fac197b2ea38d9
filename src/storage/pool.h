#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/wait.h"
#include "model/storage_pool.h"
#include "model/storage_volume.h"

namespace bv::storage {

struct Volume {
  model::VolumeDef def;
  bool building = false;  // its bytes are being made or copied from
  unsigned in_use = 0;    // streams, and copies that read it
};
using VolumePtr = std::shared_ptr<Volume>;

// A pool that the daemon knows. Held by those who work with it, so that it outlives its removal.
struct Pool {
  model::PoolDef def;
  std::optional<model::PoolDef> next;  // defined while active: from the next start on
  bool active = false, persistent = false, autostart = false;
  bool starting = false;
  unsigned jobs = 0;  // volumes that are being made, wiped and so on
  std::map<std::string, VolumePtr> volumes;
  AsyncMutex changes;  // for what changes the pool and waits in between

  // Throw kOperationInvalid, and kInternalError where a job goes on.
  void RequireActive() const;
  void RequireInactive() const;
  void RequireIdle() const;
  // kNoStorageVol
  VolumePtr Get(const std::string& name) const;
};
using PoolPtr = std::shared_ptr<Pool>;

// All pools, by UUID. Errors have domain kStorage.
class PoolList {
 public:
  const std::map<Uuid, PoolPtr>& all() const { return pools_; }
  PoolPtr Find(const Uuid& uuid) const;
  PoolPtr Find(const std::string& name) const;
  PoolPtr Get(const Uuid& uuid) const;         // kNoStoragePool
  PoolPtr Get(const std::string& name) const;  // kNoStoragePool
  PoolPtr GetByTarget(const std::string& path) const;  // of those that are active

  // Throws where `def` cannot stand beside the others, or in the place of the one with its UUID.
  // `to_start`: that one must not be active.
  void Check(const model::PoolDef& def, bool to_start) const;
  // New, or the one with its UUID; with the definition in it, or as `next` where it is active.
  PoolPtr Put(model::PoolDef def);
  void Remove(const Pool& pool) { pools_.erase(pool.def.uuid); }

 private:
  std::map<Uuid, PoolPtr> pools_;
};

// Whether two pools would have the same volumes.
bool SharesSource(const model::PoolDef& one, const model::PoolDef& other);

}  // namespace bv::storage
