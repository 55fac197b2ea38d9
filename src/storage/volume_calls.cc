// Calls about volumes. What takes long goes on as a job of the pool, which keeps the pool as it is and lets others have
// its turn.

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/schema.h"
#include "model/storage_common.h"
#include "storage/backend.h"
#include "storage/storage_driver.h"
#include "storage/volume_build.h"
#include "storage/volume_scan.h"

namespace bv::storage {

using namespace remote;

namespace {

constexpr unsigned kGetPhysical = 1;
constexpr unsigned kDeleteZeroed = 1, kDeleteWithSnapshots = 2;

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

// A job on a volume: nobody else works on it, and the pool stays as it is.
class VolumeJob {
 public:
  VolumeJob(PoolPtr pool, VolumePtr volume, const std::function<void()>& on_end)
      : pool_(std::move(pool)), volume_(std::move(volume)), on_end_(on_end) {
    ++pool_->jobs;
    volume_->building = true;
  }
  VolumeJob(const VolumeJob&) = delete;
  ~VolumeJob() {
    --pool_->jobs;
    volume_->building = false;
    on_end_();
  }

 private:
  PoolPtr pool_;
  VolumePtr volume_;
  const std::function<void()>& on_end_;
};

// A volume that is read while another is made of it.
class VolumeUse {
 public:
  VolumeUse(PoolPtr pool, VolumePtr volume) : pool_(std::move(pool)), volume_(std::move(volume)) {
    ++pool_->jobs;
    ++volume_->in_use;
  }
  VolumeUse(const VolumeUse&) = delete;
  ~VolumeUse() {
    --pool_->jobs;
    --volume_->in_use;
  }

 private:
  PoolPtr pool_;
  VolumePtr volume_;
};

void RequireNotBuilding(const Volume& volume) {
  if (volume.building) Fail(ErrorCode::kOperationInvalid, "volume '" + volume.def.name + "' is still being allocated.");
}

// What a volume more or less does to the pool's numbers until it is looked at again.
void Account(model::PoolDef& pool, std::int64_t bytes) {
  auto change = static_cast<std::uint64_t>(bytes);
  pool.allocation += change;
  pool.available -= change;
}

}  // namespace

void StorageDriver::RequireFree(const Volume& volume) {
  if (volume.in_use > 0) Fail(ErrorCode::kOperationInvalid, "volume '" + volume.def.name + "' is still in use.");
  RequireNotBuilding(volume);
}

StorageDriver::Located StorageDriver::Locate(const NonnullStorageVol& reference) const {
  auto pool = pools_.Get(reference.pool);
  pool->RequireActive();
  return {pool, pool->Get(reference.name)};
}

template <typename Predicate>
StorageDriver::Located StorageDriver::LocateWhere(Predicate wanted) const {
  for (auto& [uuid, pool] : pools_.all()) {
    if (!pool->active) continue;
    for (auto& [name, volume] : pool->volumes) {
      if (wanted(volume->def)) return {pool, volume};
    }
  }
  return {};
}

Task<> StorageDriver::Update(VolumePtr volume) {
  // Others are looked at with their pool only.
  if (volume->building || volume->def.formats != model::VolumeFormats::kImages) co_return;
  auto update = [def = volume->def]() mutable {
    UpdateVolume(def);
    return def;
  };
  auto def = co_await Offload(update);
  // Unless a job has begun in the meantime, which knows better.
  if (!volume->building) volume->def = std::move(def);
}

Task<StoragePoolNumOfVolumesRet> StorageDriver::CountVolumes(Call&, StoragePoolNumOfVolumesArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  pool->RequireActive();
  co_return StoragePoolNumOfVolumesRet{static_cast<int32_t>(pool->volumes.size())};
}

Task<StoragePoolListVolumesRet> StorageDriver::ListVolumes(Call&, StoragePoolListVolumesArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  pool->RequireActive();
  StoragePoolListVolumesRet ret;
  for (auto& [name, volume] : pool->volumes) {
    if (static_cast<int64_t>(ret.names.size()) < args.maxnames) ret.names.push_back(name);
  }
  co_return ret;
}

Task<StoragePoolListAllVolumesRet> StorageDriver::ListAllVolumes(Call&, StoragePoolListAllVolumesArgs args) {
  RefuseFlags(args.flags, 0, "storagePoolListAllVolumes");
  auto pool = pools_.Get(args.pool.uuid);
  pool->RequireActive();
  StoragePoolListAllVolumesRet ret;
  for (auto& [name, volume] : pool->volumes) {
    ++ret.ret;
    if (args.need_results) ret.vols.push_back(Reference(*pool, *volume));
  }
  co_return ret;
}

Task<StorageVolLookupByNameRet> StorageDriver::LookupVolumeByName(Call&, StorageVolLookupByNameArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  pool->RequireActive();
  co_return StorageVolLookupByNameRet{Reference(*pool, *pool->Get(args.name))};
}

Task<StorageVolLookupByKeyRet> StorageDriver::LookupVolumeByKey(Call&, StorageVolLookupByKeyArgs args) {
  auto found = LocateWhere([&](const model::VolumeDef& def) { return def.key == args.key; });
  if (!found.volume) Fail(ErrorCode::kNoStorageVol, "no storage vol with matching key " + args.key);
  co_return StorageVolLookupByKeyRet{Reference(*found.pool, *found.volume)};
}

Task<StorageVolLookupByPathRet> StorageDriver::LookupVolumeByPath(Call&, StorageVolLookupByPathArgs args) {
  std::string path = model::SanitizePath(args.path);
  auto found = LocateWhere([&](const model::VolumeDef& def) { return def.target.path == path; });
  if (!found.volume) Fail(ErrorCode::kNoStorageVol, "no storage vol with matching path '" + args.path + "'");
  co_return StorageVolLookupByPathRet{Reference(*found.pool, *found.volume)};
}

Task<StorageVolGetInfoRet> StorageDriver::GetVolumeInfo(Call& call, StorageVolGetInfoArgs args) {
  StorageVolGetInfoFlagsArgs full{std::move(args.vol), 0};
  auto info = co_await GetVolumeInfoFlags(call, std::move(full));
  co_return StorageVolGetInfoRet{info.type, info.capacity, info.allocation};
}

Task<StorageVolGetInfoFlagsRet> StorageDriver::GetVolumeInfoFlags(Call&, StorageVolGetInfoFlagsArgs args) {
  RefuseFlags(args.flags, kGetPhysical, "storageVolGetInfoFlags");
  VolumePtr volume = Locate(args.vol).volume;
  co_await Update(volume);
  StorageVolGetInfoFlagsRet ret;
  ret.type = static_cast<char>(volume->def.type);
  ret.capacity = volume->def.capacity;
  ret.allocation = args.flags & kGetPhysical ? volume->def.physical : volume->def.allocation;
  co_return ret;
}

Task<StorageVolGetXmlDescRet> StorageDriver::GetVolumeXml(Call&, StorageVolGetXmlDescArgs args) {
  RefuseFlags(args.flags, 0, "storageVolGetXMLDesc");
  VolumePtr volume = Locate(args.vol).volume;
  co_await Update(volume);
  StorageVolGetXmlDescRet ret;
  ret.xml = model::FormatVolume(volume->def);
  co_return ret;
}

Task<StorageVolGetPathRet> StorageDriver::GetVolumePath(Call&, StorageVolGetPathArgs args) {
  co_return StorageVolGetPathRet{Locate(args.vol).volume->def.target.path};
}

// Where volumes depend on each other, one change waits for the other.
Task<std::optional<AsyncMutex::Lock>> StorageDriver::BeginVolumeChange(PoolPtr pool) {
  std::optional<AsyncMutex::Lock> turn;
  if (!BackendOf(pool->def.type).volumes_depend()) co_return turn;
  turn.emplace(co_await BeginChange(pool));
  pool->RequireActive();
  co_return turn;
}

// What has become of the pool with a volume more or less.
Task<> StorageDriver::EndVolumeChange(PoolPtr pool, std::int64_t bytes) {
  if (BackendOf(pool->def.type).volumes_depend()) {
    co_await RefreshPool(pool);
  } else {
    Account(pool->def, bytes);
  }
}

// Makes a volume of the pool, of `input` if not null.
Task<model::VolumeDef> StorageDriver::AddVolume(PoolPtr pool, model::VolumeDef def, VolumePtr input, unsigned flags) {
  auto turn = co_await BeginVolumeChange(pool);
  const Backend& backend = BackendOf(pool->def.type);
  const model::PoolDef pool_def = pool->def;
  backend.PlaceVolume(pool_def, def);
  auto volume = std::make_shared<Volume>();
  volume->def = def;
  std::exception_ptr failure;
  {
    // From here on the name is taken.
    VolumeJob job(pool, volume, on_idle_);
    pool->volumes[def.name] = volume;
    try {
      std::optional<model::VolumeDef> source;
      if (input) source = input->def;
      auto made = co_await backend.MakeVolume(pool_def, def, source ? &*source : nullptr, flags);
      volume->def = std::move(made);
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure) {
    pool->volumes.erase(def.name);
    std::rethrow_exception(failure);
  }
  co_await EndVolumeChange(pool, static_cast<std::int64_t>(volume->def.allocation));
  co_return volume->def;
}

Task<StorageVolCreateXmlRet> StorageDriver::CreateVolume(Call&, StorageVolCreateXmlArgs args) {
  RefuseFlags(args.flags, kPreallocateMetadata | kValidateVolume, "storageVolCreateXML");
  auto pool = pools_.Get(args.pool.uuid);
  auto turn = std::optional(co_await BeginChange(pool));
  pool->RequireActive();
  const bool validate = co_await xml::StillToValidate(args.flags & kValidateVolume, args.xml, "storagevol", "volume");
  unsigned parse = model::kVolumeOptionalCapacity | (validate ? model::kVolumeValidate : 0u);
  auto def = model::ParseVolume(args.xml, parse, BackendOf(pool->def.type).formats());
  if (pool->volumes.contains(def.name)) Fail(ErrorCode::kStorageVolExist, "'" + def.name + "'");
  turn.reset();
  auto made = co_await AddVolume(pool, std::move(def), nullptr, args.flags);
  co_return StorageVolCreateXmlRet{NonnullStorageVol{pool->def.name, made.name, made.key}};
}

Task<StorageVolCreateXmlFromRet> StorageDriver::CreateVolumeFrom(Call&, StorageVolCreateXmlFromArgs args) {
  RefuseFlags(args.flags, kPreallocateMetadata | kReflink | kValidateVolume, "storageVolCreateXMLFrom");
  auto pool = pools_.Get(args.pool.uuid);
  auto input_pool = args.clonevol.pool == pool->def.name ? pool : pools_.Get(args.clonevol.pool);
  pool->RequireActive();
  input_pool->RequireActive();
  auto input = input_pool->Get(args.clonevol.name);
  const bool validate = co_await xml::StillToValidate(args.flags & kValidateVolume, args.xml, "storagevol", "volume");
  unsigned parse = model::kVolumeNoCapacity | (validate ? model::kVolumeValidate : 0u);
  auto def = model::ParseVolume(args.xml, parse, BackendOf(pool->def.type).formats());
  if (pool->volumes.contains(def.name)) Fail(ErrorCode::kInternalError, "storage volume name '" + def.name + "' already in use.");
  RequireNotBuilding(*input);
  VolumeUse use(input_pool, input);
  co_await Update(input);
  def.capacity = std::max(def.capacity, input->def.capacity);
  if (!def.has_allocation) def.allocation = def.capacity;
  auto turn = std::optional(co_await BeginChange(pool));
  pool->RequireActive();
  if (pool->volumes.contains(def.name)) Fail(ErrorCode::kInternalError, "storage volume name '" + def.name + "' already in use.");
  turn.reset();
  auto made = co_await AddVolume(pool, std::move(def), input, args.flags);
  co_return StorageVolCreateXmlFromRet{NonnullStorageVol{pool->def.name, made.name, made.key}};
}

Task<> StorageDriver::DeleteVolume(Call&, StorageVolDeleteArgs args) {
  auto [pool, volume] = Locate(args.vol);
  RefuseFlags(args.flags, kDeleteZeroed | kDeleteWithSnapshots, "storageVolDelete");
  RequireFree(*volume);
  RefuseFlags(args.flags, 0, "virStorageBackendVolDeleteLocal");
  auto turn = co_await BeginVolumeChange(pool);
  RequireFree(*volume);
  const model::PoolDef pool_def = pool->def;
  {
    VolumeJob job(pool, volume, on_idle_);
    co_await BackendOf(pool_def.type).DeleteVolume(pool_def, volume->def);
  }
  pool->volumes.erase(volume->def.name);
  co_await EndVolumeChange(pool, -static_cast<std::int64_t>(volume->def.allocation));
}

Task<> StorageDriver::WipeVolume(Call&, StorageVolWipeArgs args) {
  RefuseFlags(args.flags, 0, "storageVolWipePattern");
  co_await Wipe(args.vol, 0);
}

Task<> StorageDriver::WipeVolumePattern(Call&, StorageVolWipePatternArgs args) {
  RefuseFlags(args.flags, 0, "storageVolWipePattern");
  constexpr unsigned kAlgorithms = 10;
  if (args.algorithm >= kAlgorithms) {
    Fail(ErrorCode::kInvalidArg, "wiping algorithm " + std::to_string(args.algorithm) + " not supported");
  }
  co_await Wipe(args.vol, args.algorithm);
}

Task<> StorageDriver::Wipe(const NonnullStorageVol& reference, unsigned algorithm) {
  auto [pool, volume] = Locate(reference);
  RequireFree(*volume);
  {
    VolumeJob job(pool, volume, on_idle_);
    co_await storage::WipeVolume(volume->def, algorithm);
  }
  // What it says of itself is gone, too.
  co_await Update(volume);
}

Task<> StorageDriver::ResizeVolume(Call&, StorageVolResizeArgs args) {
  RefuseFlags(args.flags, kResizeAllocate | kResizeDelta | kResizeShrink, "storageVolResize");
  auto [pool, volume] = Locate(args.vol);
  RequireFree(*volume);
  model::VolumeDef& def = volume->def;
  bool shrink = args.flags & kResizeShrink, allocate = args.flags & kResizeAllocate;
  std::uint64_t capacity = args.capacity;
  if (args.flags & kResizeDelta) capacity = shrink ? def.capacity - std::min(def.capacity, capacity) : def.capacity + capacity;
  if (capacity < def.allocation) Fail(ErrorCode::kInvalidArg, "can't shrink capacity below existing allocation");
  if (capacity < def.capacity && !shrink) {
    Fail(ErrorCode::kInvalidArg, "Can't shrink capacity below current capacity unless shrink flag explicitly specified");
  }
  if (allocate && capacity > pool->def.available + def.allocation) {
    Fail(ErrorCode::kOperationFailed, "Not enough space left in storage pool");
  }
  VolumeJob job(pool, volume, on_idle_);
  co_await BackendOf(pool->def.type).ResizeVolume(def, capacity, args.flags);
  def.capacity = capacity;
  if (!allocate) co_return;
  Account(pool->def, static_cast<std::int64_t>(capacity - def.allocation));
  def.allocation = capacity;
}

}  // namespace bv::storage
