#pragma once

#include <memory>
#include <optional>

#include "base/fd.h"
#include "daemon/object_driver.h"
#include "daemon/volume_finder.h"
#include "protocol/remote.h"
#include "rpc/service.h"
#include "storage/backend.h"
#include "storage/pool.h"
#include "storage/pool_files.h"

namespace bv::storage {

// virtstoraged's driver: pools, their volumes, and events about them.
class StorageDriver : public ObjectDriver, public VolumeFinder {
 public:
  explicit StorageDriver(const DriverEnvironment& environment);
  ~StorageDriver() override;

  Task<> Start() override;
  Task<> Reload() override;
  void Register(Service& service) override;
  bool HasActiveObjects() const override;
  bool Quiet() const override;

 private:
  Found FindLocally(const std::string& pool, const std::string& volume) override;

  // storage_driver.cc: what there is
  Task<remote::ConnectNumOfStoragePoolsRet> CountActive(Call& call);
  Task<remote::ConnectListStoragePoolsRet> ListActive(Call& call, remote::ConnectListStoragePoolsArgs args);
  Task<remote::ConnectNumOfDefinedStoragePoolsRet> CountInactive(Call& call);
  Task<remote::ConnectListDefinedStoragePoolsRet> ListInactive(Call& call, remote::ConnectListDefinedStoragePoolsArgs args);
  Task<remote::ConnectListAllStoragePoolsRet> ListAll(Call& call, remote::ConnectListAllStoragePoolsArgs args);
  Task<remote::StoragePoolLookupByNameRet> LookupByName(Call& call, remote::StoragePoolLookupByNameArgs args);
  Task<remote::StoragePoolLookupByUuidRet> LookupByUuid(Call& call, remote::StoragePoolLookupByUuidArgs args);
  Task<remote::StoragePoolLookupByTargetPathRet> LookupByTargetPath(Call& call, remote::StoragePoolLookupByTargetPathArgs args);
  Task<remote::StoragePoolLookupByVolumeRet> LookupByVolume(Call& call, remote::StoragePoolLookupByVolumeArgs args);
  Task<remote::StoragePoolGetInfoRet> GetInfo(Call& call, remote::StoragePoolGetInfoArgs args);
  Task<remote::StoragePoolGetXmlDescRet> GetXml(Call& call, remote::StoragePoolGetXmlDescArgs args);
  Task<remote::StoragePoolGetAutostartRet> GetAutostart(Call& call, remote::StoragePoolGetAutostartArgs args);
  Task<remote::StoragePoolIsActiveRet> IsActive(Call& call, remote::StoragePoolIsActiveArgs args);
  Task<remote::StoragePoolIsPersistentRet> IsPersistent(Call& call, remote::StoragePoolIsPersistentArgs args);
  Task<remote::ConnectGetStoragePoolCapabilitiesRet> GetCapabilities(Call& call, remote::ConnectGetStoragePoolCapabilitiesArgs args);
  Task<remote::ConnectFindStoragePoolSourcesRet> FindSources(Call& call, remote::ConnectFindStoragePoolSourcesArgs args);
  Task<remote::ConnectStoragePoolEventRegisterAnyRet> Subscribe(Call& call, remote::ConnectStoragePoolEventRegisterAnyArgs args);
  Task<> Unsubscribe(Call& call, remote::ConnectStoragePoolEventDeregisterAnyArgs args);

  // pool_calls.cc: what changes pools
  Task<remote::StoragePoolDefineXmlRet> Define(Call& call, remote::StoragePoolDefineXmlArgs args);
  Task<remote::StoragePoolCreateXmlRet> CreateXml(Call& call, remote::StoragePoolCreateXmlArgs args);
  Task<> Create(Call& call, remote::StoragePoolCreateArgs args);
  Task<> BuildPool(Call& call, remote::StoragePoolBuildArgs args);
  Task<> Destroy(Call& call, remote::StoragePoolDestroyArgs args);
  Task<> DeletePool(Call& call, remote::StoragePoolDeleteArgs args);
  Task<> Undefine(Call& call, remote::StoragePoolUndefineArgs args);
  Task<> Refresh(Call& call, remote::StoragePoolRefreshArgs args);
  Task<> SetAutostart(Call& call, remote::StoragePoolSetAutostartArgs args);

  // volume_calls.cc
  Task<remote::StoragePoolNumOfVolumesRet> CountVolumes(Call& call, remote::StoragePoolNumOfVolumesArgs args);
  Task<remote::StoragePoolListVolumesRet> ListVolumes(Call& call, remote::StoragePoolListVolumesArgs args);
  Task<remote::StoragePoolListAllVolumesRet> ListAllVolumes(Call& call, remote::StoragePoolListAllVolumesArgs args);
  Task<remote::StorageVolLookupByNameRet> LookupVolumeByName(Call& call, remote::StorageVolLookupByNameArgs args);
  Task<remote::StorageVolLookupByKeyRet> LookupVolumeByKey(Call& call, remote::StorageVolLookupByKeyArgs args);
  Task<remote::StorageVolLookupByPathRet> LookupVolumeByPath(Call& call, remote::StorageVolLookupByPathArgs args);
  Task<remote::StorageVolGetInfoRet> GetVolumeInfo(Call& call, remote::StorageVolGetInfoArgs args);
  Task<remote::StorageVolGetInfoFlagsRet> GetVolumeInfoFlags(Call& call, remote::StorageVolGetInfoFlagsArgs args);
  Task<remote::StorageVolGetXmlDescRet> GetVolumeXml(Call& call, remote::StorageVolGetXmlDescArgs args);
  Task<remote::StorageVolGetPathRet> GetVolumePath(Call& call, remote::StorageVolGetPathArgs args);
  Task<remote::StorageVolCreateXmlRet> CreateVolume(Call& call, remote::StorageVolCreateXmlArgs args);
  Task<remote::StorageVolCreateXmlFromRet> CreateVolumeFrom(Call& call, remote::StorageVolCreateXmlFromArgs args);
  Task<> DeleteVolume(Call& call, remote::StorageVolDeleteArgs args);
  Task<> WipeVolume(Call& call, remote::StorageVolWipeArgs args);
  Task<> WipeVolumePattern(Call& call, remote::StorageVolWipePatternArgs args);
  Task<> ResizeVolume(Call& call, remote::StorageVolResizeArgs args);
  // volume_streams.cc
  Task<> Upload(Call& call, remote::StorageVolUploadArgs args);
  Task<> Download(Call& call, remote::StorageVolDownloadArgs args);
  Task<> ReceiveVolume(PoolPtr pool, VolumePtr volume, rpc::StreamPtr stream, std::shared_ptr<Fd> file, std::uint64_t at, std::uint64_t end);

  struct Located {
    PoolPtr pool;
    VolumePtr volume;
  };
  // The pool must be active.
  Located Locate(const remote::NonnullStorageVol& reference) const;
  template <typename Predicate>
  Located LocateWhere(Predicate wanted) const;
  // What the file system says of it now.
  Task<> Update(VolumePtr volume);
  Task<> Wipe(const remote::NonnullStorageVol& reference, unsigned algorithm);
  Task<std::optional<AsyncMutex::Lock>> BeginVolumeChange(PoolPtr pool);
  Task<> EndVolumeChange(PoolPtr pool, std::int64_t bytes);
  Task<model::VolumeDef> AddVolume(PoolPtr pool, model::VolumeDef def, VolumePtr input, unsigned flags);
  static void RequireFree(const Volume& volume);

  // What takes a pool's turn goes on in these.
  Task<AsyncMutex::Lock> BeginChange(PoolPtr pool);
  Task<> StartPool(PoolPtr pool);
  Task<> RefreshPool(PoolPtr pool);
  Task<> StopPool(PoolPtr pool);
  Task<> LookAgain(PoolPtr pool);
  void Forget(const PoolPtr& pool);
  Task<> LoadDefinitions();
  Task<> Autostart();

  template <typename F>
  Task<> OnDisk(F work);
  void TellLifecycle(const Pool& pool, int event);
  void TellRefreshed(const Pool& pool);

  const PoolFiles files_;
  const std::function<void()> on_idle_;
  PoolList pools_;
  AsyncMutex definitions_;  // for new pools, which have no turn yet
  ObjectEvents events_{"storage pool", 2, "pool"};
};

remote::NonnullStoragePool Reference(const Pool& pool);
remote::NonnullStorageVol Reference(const Pool& pool, const Volume& volume);
void RefuseFlags(unsigned flags, unsigned known, const char* function);

// Runs on the pool of threads what works on files.
template <typename F>
Task<> StorageDriver::OnDisk(F work) {
  co_await Offload(std::move(work));
}

// virStoragePoolEventLifecycleType
enum PoolEvent { kPoolDefined, kPoolUndefined, kPoolStarted, kPoolStopped, kPoolCreated, kPoolDeleted };

}  // namespace bv::storage
