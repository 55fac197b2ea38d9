#include "storage/pool.h"

#include <algorithm>

#include "base/error.h"

namespace bv::storage {

using model::PoolDef;
using model::PoolType;

namespace {

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

bool SameHosts(const PoolDef& a, const PoolDef& b) {
  return a.source.hosts.size() == b.source.hosts.size() &&
         std::ranges::equal(a.source.hosts, b.source.hosts, [](auto& x, auto& y) { return x.name == y.name && x.port == y.port; });
}

bool ShareDevice(const PoolDef& a, const PoolDef& b) {
  for (auto& one : a.source.devices) {
    for (auto& other : b.source.devices) {
      if (one.path == other.path) return true;
    }
  }
  return false;
}

// Pools that live upon block devices, which cannot be two pools at once whatever their types are.
bool OnDevices(PoolType type) {
  return type == PoolType::kFs || type == PoolType::kLogical || type == PoolType::kDisk || type == PoolType::kZfs;
}

bool SameAdapter(const model::PoolAdapter& a, const model::PoolAdapter& b) {
  if (a.type != b.type) return false;
  if (a.type == model::AdapterType::kFcHost) return a.wwnn == b.wwnn && a.wwpn == b.wwpn;
  if (a.name && b.name) return *a.name == *b.name;
  return a.parent_address && b.parent_address && a.parent_address->SamePlace(*b.parent_address) && a.unique_id == b.unique_id;
}

}  // namespace

bool SharesSource(const PoolDef& a, const PoolDef& b) {
  if (OnDevices(a.type) && OnDevices(b.type)) return ShareDevice(a, b);
  if (a.type != b.type) return false;
  switch (a.type) {
    case PoolType::kDir: return a.target_path == b.target_path;
    case PoolType::kNetfs: return a.source.dir == b.source.dir && SameHosts(a, b);
    case PoolType::kGluster: return a.source.name == b.source.name && a.source.dir == b.source.dir && SameHosts(a, b);
    case PoolType::kIscsi:
    case PoolType::kIscsiDirect:
      return ShareDevice(a, b) && SameHosts(a, b) && a.source.initiator_iqn == b.source.initiator_iqn;
    case PoolType::kScsi: return SameAdapter(a.source.adapter, b.source.adapter);
    case PoolType::kMpath: return true;  // there is one set of them
    case PoolType::kRbd:
    case PoolType::kSheepdog: return a.source.name == b.source.name && SameHosts(a, b);
    case PoolType::kVstorage: return a.source.name == b.source.name;
    default: return false;
  }
}

void Pool::RequireActive() const {
  if (!active) Fail(ErrorCode::kOperationInvalid, "storage pool '" + def.name + "' is not active");
}

void Pool::RequireInactive() const {
  if (active) Fail(ErrorCode::kOperationInvalid, "storage pool '" + def.name + "' is already active");
  if (starting) Fail(ErrorCode::kOperationInvalid, "storage pool '" + def.name + "' is starting up");
}

void Pool::RequireIdle() const {
  if (starting) Fail(ErrorCode::kOperationInvalid, "storage pool '" + def.name + "' is starting up");
  if (jobs > 0) Fail(ErrorCode::kInternalError, "pool '" + def.name + "' has asynchronous jobs running.");
}

VolumePtr Pool::Get(const std::string& name) const {
  auto found = volumes.find(name);
  if (found == volumes.end()) Fail(ErrorCode::kNoStorageVol, "no storage vol with matching name '" + name + "'");
  return found->second;
}

PoolPtr PoolList::Find(const Uuid& uuid) const {
  auto found = pools_.find(uuid);
  return found == pools_.end() ? nullptr : found->second;
}

PoolPtr PoolList::Find(const std::string& name) const {
  auto found = std::ranges::find(pools_, name, [](auto& entry) -> auto& { return entry.second->def.name; });
  return found == pools_.end() ? nullptr : found->second;
}

PoolPtr PoolList::Get(const Uuid& uuid) const {
  if (auto pool = Find(uuid)) return pool;
  Fail(ErrorCode::kNoStoragePool, "no storage pool with matching uuid '" + uuid.ToString() + "'");
}

PoolPtr PoolList::Get(const std::string& name) const {
  if (auto pool = Find(name)) return pool;
  Fail(ErrorCode::kNoStoragePool, "no storage pool with matching name '" + name + "'");
}

PoolPtr PoolList::GetByTarget(const std::string& path) const {
  std::string clean = model::SanitizePath(path);
  for (auto& [uuid, pool] : pools_) {
    if (pool->active && pool->def.target_path == clean) return pool;
  }
  Fail(ErrorCode::kNoStoragePool, "no storage pool with matching target path '" + path + "'");
}

void PoolList::Check(const PoolDef& def, bool to_start) const {
  if (auto same = Find(def.uuid)) {
    if (same->def.name != def.name) {
      Fail(ErrorCode::kOperationFailed, "pool '" + same->def.name + "' is already defined with uuid " + def.uuid.ToString());
    }
    if (to_start && same->active) Fail(ErrorCode::kOperationInvalid, "pool is already active as '" + same->def.name + "'");
  } else if (auto rival = Find(def.name)) {
    Fail(ErrorCode::kOperationFailed, "pool '" + def.name + "' already exists with uuid " + rival->def.uuid.ToString());
  }
  for (auto& [uuid, pool] : pools_) {
    if (uuid != def.uuid && SharesSource(pool->def, def)) {
      Fail(ErrorCode::kOperationFailed, "Storage source conflict with pool: '" + pool->def.name + "'");
    }
  }
}

PoolPtr PoolList::Put(PoolDef def) {
  PoolPtr& pool = pools_[def.uuid];
  if (!pool) pool = std::make_shared<Pool>();
  if (pool->active) {
    pool->next = std::move(def);
  } else {
    pool->def = std::move(def);
  }
  return pool;
}

}  // namespace bv::storage
