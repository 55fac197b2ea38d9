#include "storage/storage_driver.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/verbatim_error.h"
#include "storage/backend.h"

namespace bv::storage {

using namespace remote;

namespace {

constexpr const char* kSource = "storage.storage_driver";

// virConnectListAllStoragePoolsFlags
enum : unsigned {
  kInactive = 1, kActive = 2, kPersistent = 4, kTransient = 8, kAutostart = 16, kNoAutostart = 32,
  kFirstType = 64, kAllTypes = (1u << 20) - kFirstType, kAllFilters = (1u << 20) - 1,
};
// virStoragePoolEventID
enum { kLifecycleEvent = 0, kRefreshEvent = 1 };
constexpr unsigned kInactiveXml = 1;
// virStoragePoolState
enum : std::uint8_t { kStateInactive = 0, kStateRunning = 2 };

// The flags' order of types is not quite that of their numbers.
unsigned TypeFlag(model::PoolType type) {
  using model::PoolType;
  if (type == PoolType::kIscsiDirect) return 1u << 19;
  auto number = static_cast<unsigned>(type);
  return kFirstType << (type > PoolType::kIscsiDirect ? number - 1 : number);
}

bool Passes(const Pool& pool, unsigned flags) {
  auto wanted = [=](unsigned yes, unsigned no, bool is) { return !(flags & (yes | no)) || (flags & (is ? yes : no)); };
  return wanted(kActive, kInactive, pool.active) && wanted(kPersistent, kTransient, pool.persistent) &&
         wanted(kAutostart, kNoAutostart, pool.autostart) && (!(flags & kAllTypes) || (flags & TypeFlag(pool.def.type)));
}

template <typename Ret>
Ret Count(const PoolList& pools, bool active) {
  Ret ret;
  ret.num = static_cast<int32_t>(std::ranges::count_if(pools.all(), [=](auto& entry) { return entry.second->active == active; }));
  return ret;
}

template <typename Ret>
Ret Names(const PoolList& pools, bool active, int32_t max) {
  Ret ret;
  for (auto& [uuid, pool] : pools.all()) {
    if (pool->active == active && static_cast<int64_t>(ret.names.size()) < max) ret.names.push_back(pool->def.name);
  }
  return ret;
}

}  // namespace

NonnullStoragePool Reference(const Pool& pool) { return {pool.def.name, pool.def.uuid}; }

NonnullStorageVol Reference(const Pool& pool, const Volume& volume) { return {pool.def.name, volume.def.name, volume.def.key}; }

void RefuseFlags(unsigned flags, unsigned known, const char* function) {
  RefuseOtherFlags(flags, known, ErrorDomain::kStorage, function);
}

StorageDriver::StorageDriver(const DriverEnvironment& environment)
    : ObjectDriver(environment, "storage", ErrorDomain::kStorage, &events_),
      files_(environment.config_dir + "/storage", environment.state_dir + (environment.privileged ? "/storage" : "/storage/run")),
      on_idle_(environment.on_idle) {
  set_local(this);
}

StorageDriver::~StorageDriver() { set_local(nullptr); }

VolumeFinder::Found StorageDriver::FindLocally(const std::string& pool_name, const std::string& volume_name) {
  auto pool = pools_.Get(pool_name);
  if (!pool->active) {
    throw Error(ErrorDomain::kStorage, ErrorCode::kConfigUnsupported,
                "storage pool '" + pool_name + "' containing volume '" + volume_name + "' is not active");
  }
  const model::VolumeDef& volume = pool->Get(volume_name)->def;
  Found found;
  found.path = volume.target.path;
  if (volume.type == model::VolumeType::kFile) found.kind = Found::Kind::kFile;
  if (volume.type == model::VolumeType::kBlock) found.kind = Found::Kind::kBlock;
  if (volume.type == model::VolumeType::kDir) found.kind = Found::Kind::kDirectory;
  return found;
}

Task<> StorageDriver::Start() {
  LockState(files_.state(), 0755);
  auto load = [this] { return files_.LoadStates(); };
  auto states = co_await Offload(load);
  for (auto& def : states) pools_.Put(std::move(def))->active = true;
  co_await LoadDefinitions();
  std::vector<PoolPtr> active;
  for (auto& [uuid, pool] : pools_.all()) {
    if (pool->active) active.push_back(pool);
  }
  for (PoolPtr pool : active) co_await LookAgain(pool);
  co_await Autostart();
}

// As in libvirt, what has gone from the disk stays.
Task<> StorageDriver::Reload() {
  co_await LoadDefinitions();
  co_await Autostart();
}

Task<> StorageDriver::LoadDefinitions() {
  auto load = [this] { return files_.LoadDefinitions(); };
  auto loaded = co_await Offload(load);
  for (auto& entry : loaded) {
    try {
      pools_.Check(entry.def, false);
      auto pool = pools_.Put(std::move(entry.def));
      pool->persistent = true;
      pool->autostart = entry.autostart;
    } catch (const Error& error) {
      LogError(kSource, "cannot take pool '{}' as it is on disk: {}", entry.def.name, error.message);
    }
  }
}

// A pool that was active when the daemon went.
Task<> StorageDriver::LookAgain(PoolPtr pool) {
  std::string problem;
  try {
    if (co_await BackendOf(pool->def.type).IsUp(pool->def)) {
      co_await RefreshPool(pool);
      co_return;
    }
    problem = "it is not there any more";
  } catch (const Error& error) {
    problem = error.message;
  }
  LogWarn(kSource, "pool '{}' was active and cannot be so: {}", pool->def.name, problem);
  auto forget = [this, name = pool->def.name] { files_.RemoveState(name); };
  co_await OnDisk(forget);
  Forget(pool);
}

// With every daemon, not only with the first since the host came up. libvirt starts all whose directories are there.
Task<> StorageDriver::Autostart() {
  std::vector<PoolPtr> wanted;
  for (auto& [uuid, pool] : pools_.all()) {
    if (pool->autostart && !pool->active) wanted.push_back(pool);
  }
  for (PoolPtr pool : wanted) {
    auto turn = co_await BeginChange(pool);
    if (pool->active) continue;
    std::string problem;
    try {
      co_await StartPool(pool);
    } catch (const Error& error) {
      problem = error.message;
    }
    if (!problem.empty()) LogError(kSource, "internal error: Failed to autostart storage pool '{}': {}", pool->def.name, problem);
  }
}

// Pools that are active are found again by the next daemon: only work that goes on keeps this one.
bool StorageDriver::HasActiveObjects() const { return !Quiet(); }

bool StorageDriver::Quiet() const {
  return std::ranges::all_of(pools_.all(), [](auto& entry) {
    const Pool& pool = *entry.second;
    return pool.jobs == 0 && !pool.changes.held() && std::ranges::all_of(pool.volumes, [](auto& v) { return v.second->in_use == 0; });
  });
}

void StorageDriver::Register(Service& service) {
  using D = StorageDriver;
  ObjectDriver::Register(service);
  service.On<proc::ConnectNumOfStoragePools>(this, &D::CountActive);
  service.On<proc::ConnectListStoragePools>(this, &D::ListActive);
  service.On<proc::ConnectNumOfDefinedStoragePools>(this, &D::CountInactive);
  service.On<proc::ConnectListDefinedStoragePools>(this, &D::ListInactive);
  service.On<proc::ConnectListAllStoragePools>(this, &D::ListAll);
  service.On<proc::StoragePoolLookupByName>(this, &D::LookupByName);
  service.On<proc::StoragePoolLookupByUuid>(this, &D::LookupByUuid);
  service.On<proc::StoragePoolLookupByTargetPath>(this, &D::LookupByTargetPath);
  service.On<proc::StoragePoolLookupByVolume>(this, &D::LookupByVolume);
  service.On<proc::StoragePoolGetInfo>(this, &D::GetInfo);
  service.On<proc::StoragePoolGetXmlDesc>(this, &D::GetXml);
  service.On<proc::StoragePoolGetAutostart>(this, &D::GetAutostart);
  service.On<proc::StoragePoolIsActive>(this, &D::IsActive);
  service.On<proc::StoragePoolIsPersistent>(this, &D::IsPersistent);
  service.On<proc::ConnectGetStoragePoolCapabilities>(this, &D::GetCapabilities);
  service.On<proc::ConnectFindStoragePoolSources>(this, &D::FindSources);
  service.On<proc::ConnectStoragePoolEventRegisterAny>(this, &D::Subscribe);
  service.On<proc::ConnectStoragePoolEventDeregisterAny>(this, &D::Unsubscribe);
  service.On<proc::StoragePoolDefineXml>(this, &D::Define);
  service.On<proc::StoragePoolCreateXml>(this, &D::CreateXml);
  service.On<proc::StoragePoolCreate>(this, &D::Create);
  service.On<proc::StoragePoolBuild>(this, &D::BuildPool);
  service.On<proc::StoragePoolDestroy>(this, &D::Destroy);
  service.On<proc::StoragePoolDelete>(this, &D::DeletePool);
  service.On<proc::StoragePoolUndefine>(this, &D::Undefine);
  service.On<proc::StoragePoolRefresh>(this, &D::Refresh);
  service.On<proc::StoragePoolSetAutostart>(this, &D::SetAutostart);
  service.On<proc::StoragePoolNumOfVolumes>(this, &D::CountVolumes);
  service.On<proc::StoragePoolListVolumes>(this, &D::ListVolumes);
  service.On<proc::StoragePoolListAllVolumes>(this, &D::ListAllVolumes);
  service.On<proc::StorageVolLookupByName>(this, &D::LookupVolumeByName);
  service.On<proc::StorageVolLookupByKey>(this, &D::LookupVolumeByKey);
  service.On<proc::StorageVolLookupByPath>(this, &D::LookupVolumeByPath);
  service.On<proc::StorageVolGetInfo>(this, &D::GetVolumeInfo);
  service.On<proc::StorageVolGetInfoFlags>(this, &D::GetVolumeInfoFlags);
  service.On<proc::StorageVolGetXmlDesc>(this, &D::GetVolumeXml);
  service.On<proc::StorageVolGetPath>(this, &D::GetVolumePath);
  service.On<proc::StorageVolCreateXml>(this, &D::CreateVolume);
  service.On<proc::StorageVolCreateXmlFrom>(this, &D::CreateVolumeFrom);
  service.On<proc::StorageVolDelete>(this, &D::DeleteVolume);
  service.On<proc::StorageVolWipe>(this, &D::WipeVolume);
  service.On<proc::StorageVolWipePattern>(this, &D::WipeVolumePattern);
  service.On<proc::StorageVolResize>(this, &D::ResizeVolume);
  service.On<proc::StorageVolUpload>(this, &D::Upload);
  service.On<proc::StorageVolDownload>(this, &D::Download);
}

Task<ConnectNumOfStoragePoolsRet> StorageDriver::CountActive(Call&) { co_return Count<ConnectNumOfStoragePoolsRet>(pools_, true); }

Task<ConnectListStoragePoolsRet> StorageDriver::ListActive(Call&, ConnectListStoragePoolsArgs args) {
  co_return Names<ConnectListStoragePoolsRet>(pools_, true, args.maxnames);
}

Task<ConnectNumOfDefinedStoragePoolsRet> StorageDriver::CountInactive(Call&) {
  co_return Count<ConnectNumOfDefinedStoragePoolsRet>(pools_, false);
}

Task<ConnectListDefinedStoragePoolsRet> StorageDriver::ListInactive(Call&, ConnectListDefinedStoragePoolsArgs args) {
  co_return Names<ConnectListDefinedStoragePoolsRet>(pools_, false, args.maxnames);
}

Task<ConnectListAllStoragePoolsRet> StorageDriver::ListAll(Call&, ConnectListAllStoragePoolsArgs args) {
  RefuseFlags(args.flags, kAllFilters, "storageConnectListAllStoragePools");
  ConnectListAllStoragePoolsRet ret;
  for (auto& [uuid, pool] : pools_.all()) {
    if (!Passes(*pool, args.flags)) continue;
    ++ret.ret;
    if (args.need_results) ret.pools.push_back(Reference(*pool));
  }
  co_return ret;
}

Task<StoragePoolLookupByNameRet> StorageDriver::LookupByName(Call&, StoragePoolLookupByNameArgs args) {
  co_return StoragePoolLookupByNameRet{Reference(*pools_.Get(args.name))};
}

Task<StoragePoolLookupByUuidRet> StorageDriver::LookupByUuid(Call&, StoragePoolLookupByUuidArgs args) {
  co_return StoragePoolLookupByUuidRet{Reference(*pools_.Get(args.uuid))};
}

Task<StoragePoolLookupByTargetPathRet> StorageDriver::LookupByTargetPath(Call&, StoragePoolLookupByTargetPathArgs args) {
  co_return StoragePoolLookupByTargetPathRet{Reference(*pools_.GetByTarget(args.path))};
}

Task<StoragePoolLookupByVolumeRet> StorageDriver::LookupByVolume(Call&, StoragePoolLookupByVolumeArgs args) {
  co_return StoragePoolLookupByVolumeRet{Reference(*pools_.Get(args.vol.pool))};
}

Task<StoragePoolGetInfoRet> StorageDriver::GetInfo(Call&, StoragePoolGetInfoArgs args) {
  auto pool = pools_.Get(args.pool.uuid);
  StoragePoolGetInfoRet ret;
  ret.state = pool->active ? kStateRunning : kStateInactive;
  ret.capacity = pool->def.capacity;
  ret.allocation = pool->def.allocation;
  ret.available = pool->def.available;
  co_return ret;
}

Task<StoragePoolGetXmlDescRet> StorageDriver::GetXml(Call&, StoragePoolGetXmlDescArgs args) {
  RefuseFlags(args.flags, kInactiveXml, "storagePoolGetXMLDesc");
  auto pool = pools_.Get(args.pool.uuid);
  StoragePoolGetXmlDescRet ret;
  ret.xml = model::FormatPool((args.flags & kInactiveXml) && pool->next ? *pool->next : pool->def);
  co_return ret;
}

Task<StoragePoolGetAutostartRet> StorageDriver::GetAutostart(Call&, StoragePoolGetAutostartArgs args) {
  co_return StoragePoolGetAutostartRet{pools_.Get(args.pool.uuid)->autostart};
}

Task<StoragePoolIsActiveRet> StorageDriver::IsActive(Call&, StoragePoolIsActiveArgs args) {
  co_return StoragePoolIsActiveRet{pools_.Get(args.pool.uuid)->active};
}

Task<StoragePoolIsPersistentRet> StorageDriver::IsPersistent(Call&, StoragePoolIsPersistentArgs args) {
  co_return StoragePoolIsPersistentRet{pools_.Get(args.pool.uuid)->persistent};
}

Task<ConnectGetStoragePoolCapabilitiesRet> StorageDriver::GetCapabilities(Call&, ConnectGetStoragePoolCapabilitiesArgs args) {
  RefuseFlags(args.flags, 0, "storageConnectGetStoragePoolCapabilities");
  ConnectGetStoragePoolCapabilitiesRet ret;
  ret.capabilities = FormatCapabilities();
  co_return ret;
}

Task<ConnectFindStoragePoolSourcesRet> StorageDriver::FindSources(Call&, ConnectFindStoragePoolSourcesArgs args) {
  RefuseFlags(args.flags, 0, "storageConnectFindStoragePoolSources");
  auto type = model::FromString<model::PoolType>(args.type);
  if (!type) throw Error(ErrorDomain::kStorage, ErrorCode::kInternalError, "unknown storage pool type " + args.type);
  std::string specification = args.srcSpec.value_or("");
  auto sources = co_await BackendOf(*type).FindSources(*type, specification);
  ConnectFindStoragePoolSourcesRet ret;
  ret.xml = model::FormatPoolSources(sources, *type);
  co_return ret;
}

Task<ConnectStoragePoolEventRegisterAnyRet> StorageDriver::Subscribe(Call& call, ConnectStoragePoolEventRegisterAnyArgs args) {
  ConnectStoragePoolEventRegisterAnyRet ret;
  ret.callbackID = events_.Add(call.client(), args.eventID, args.pool ? std::optional(args.pool->uuid) : std::nullopt);
  co_return ret;
}

Task<> StorageDriver::Unsubscribe(Call& call, ConnectStoragePoolEventDeregisterAnyArgs args) {
  events_.Remove(call.client(), args.callbackID);
  co_return;
}

void StorageDriver::TellLifecycle(const Pool& pool, int event) {
  events_.Tell<proc::StoragePoolEventLifecycle>(kLifecycleEvent, pool.def.uuid, {0, Reference(pool), event, 0});
}

void StorageDriver::TellRefreshed(const Pool& pool) {
  events_.Tell<proc::StoragePoolEventRefresh>(kRefreshEvent, pool.def.uuid, {0, Reference(pool)});
}

}  // namespace bv::storage
