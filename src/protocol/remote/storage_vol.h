#pragma once

#include "protocol/remote/types.h"

// Storage volumes.

namespace bv::remote {

inline constexpr uint32_t kStorageVolListMax = 16384;

struct StoragePoolLookupByVolumeArgs {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
struct StoragePoolLookupByVolumeRet {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
RPC_CALL(86, StoragePoolLookupByVolume, StoragePoolLookupByVolumeArgs, StoragePoolLookupByVolumeRet,
         .priority = true, .acl = {Permission::kStoragePoolGetattr})

struct StoragePoolNumOfVolumesArgs {
  NonnullStoragePool pool;
  XDR_FIELDS(pool)
};
struct StoragePoolNumOfVolumesRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(91, StoragePoolNumOfVolumes, StoragePoolNumOfVolumesArgs, StoragePoolNumOfVolumesRet,
         .priority = true, .acl = {Permission::kStoragePoolSearchStorageVols},
         .filter = {Permission::kStorageVolGetattr})

struct StoragePoolListVolumesArgs {
  NonnullStoragePool pool;
  int32_t maxnames = 0;
  XDR_FIELDS(pool, maxnames)
};
struct StoragePoolListVolumesRet {
  xdr::List<std::string, kStorageVolListMax> names;
  XDR_FIELDS(names)
};
RPC_CALL(92, StoragePoolListVolumes, StoragePoolListVolumesArgs, StoragePoolListVolumesRet, .priority = true,
         .acl = {Permission::kStoragePoolSearchStorageVols}, .filter = {Permission::kStorageVolGetattr})

struct StorageVolCreateXmlArgs {
  NonnullStoragePool pool;
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(pool, xml, flags)
};
struct StorageVolCreateXmlRet {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
RPC_CALL(93, StorageVolCreateXml, StorageVolCreateXmlArgs, StorageVolCreateXmlRet,
         .acl = {Permission::kStorageVolCreate})

struct StorageVolDeleteArgs {
  NonnullStorageVol vol;
  uint32_t flags = 0;
  XDR_FIELDS(vol, flags)
};
RPC_CALL(94, StorageVolDelete, StorageVolDeleteArgs, void, .acl = {Permission::kStorageVolDelete})

struct StorageVolLookupByNameArgs {
  NonnullStoragePool pool;
  std::string name;
  XDR_FIELDS(pool, name)
};
struct StorageVolLookupByNameRet {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
RPC_CALL(95, StorageVolLookupByName, StorageVolLookupByNameArgs, StorageVolLookupByNameRet, .priority = true,
         .acl = {Permission::kStorageVolGetattr})

struct StorageVolLookupByKeyArgs {
  std::string key;
  XDR_FIELDS(key)
};
struct StorageVolLookupByKeyRet {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
RPC_CALL(96, StorageVolLookupByKey, StorageVolLookupByKeyArgs, StorageVolLookupByKeyRet, .priority = true,
         .acl = {Permission::kStorageVolGetattr})

struct StorageVolLookupByPathArgs {
  std::string path;
  XDR_FIELDS(path)
};
struct StorageVolLookupByPathRet {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
RPC_CALL(97, StorageVolLookupByPath, StorageVolLookupByPathArgs, StorageVolLookupByPathRet, .priority = true,
         .acl = {Permission::kStorageVolGetattr})

struct StorageVolGetInfoArgs {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
struct StorageVolGetInfoRet {
  char type = 0;
  uint64_t capacity = 0;
  uint64_t allocation = 0;
  XDR_FIELDS(type, capacity, allocation)
};
RPC_CALL(98, StorageVolGetInfo, StorageVolGetInfoArgs, StorageVolGetInfoRet, .priority = true,
         .acl = {Permission::kStorageVolRead})

struct StorageVolGetXmlDescArgs {
  NonnullStorageVol vol;
  uint32_t flags = 0;
  XDR_FIELDS(vol, flags)
};
struct StorageVolGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(99, StorageVolGetXmlDesc, StorageVolGetXmlDescArgs, StorageVolGetXmlDescRet, .priority = true,
         .acl = {Permission::kStorageVolRead})

struct StorageVolGetPathArgs {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
struct StorageVolGetPathRet {
  std::string name;
  XDR_FIELDS(name)
};
RPC_CALL(100, StorageVolGetPath, StorageVolGetPathArgs, StorageVolGetPathRet, .priority = true,
         .acl = {Permission::kStorageVolRead})

struct StorageVolCreateXmlFromArgs {
  NonnullStoragePool pool;
  std::string xml;
  NonnullStorageVol clonevol;
  uint32_t flags = 0;
  XDR_FIELDS(pool, xml, clonevol, flags)
};
struct StorageVolCreateXmlFromRet {
  NonnullStorageVol vol;
  XDR_FIELDS(vol)
};
RPC_CALL(125, StorageVolCreateXmlFrom, StorageVolCreateXmlFromArgs, StorageVolCreateXmlFromRet,
         .acl = {Permission::kStorageVolCreate})

struct StorageVolWipeArgs {
  NonnullStorageVol vol;
  uint32_t flags = 0;
  XDR_FIELDS(vol, flags)
};
RPC_CALL(165, StorageVolWipe, StorageVolWipeArgs, void, .acl = {Permission::kStorageVolFormat})

struct StorageVolUploadArgs {
  NonnullStorageVol vol;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t flags = 0;
  XDR_FIELDS(vol, offset, length, flags)
};
RPC_CALL(208, StorageVolUpload, StorageVolUploadArgs, void, .stream = StreamKind::kWrite,
         .sparse_flag = kStorageVolUploadSparseStream, .acl = {Permission::kStorageVolDataWrite})

struct StorageVolDownloadArgs {
  NonnullStorageVol vol;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t flags = 0;
  XDR_FIELDS(vol, offset, length, flags)
};
RPC_CALL(209, StorageVolDownload, StorageVolDownloadArgs, void, .stream = StreamKind::kRead,
         .sparse_flag = kStorageVolDownloadSparseStream, .acl = {Permission::kStorageVolDataRead})

struct StorageVolWipePatternArgs {
  NonnullStorageVol vol;
  uint32_t algorithm = 0;
  uint32_t flags = 0;
  XDR_FIELDS(vol, algorithm, flags)
};
RPC_CALL(259, StorageVolWipePattern, StorageVolWipePatternArgs, void, .acl = {Permission::kStorageVolFormat})

struct StorageVolResizeArgs {
  NonnullStorageVol vol;
  uint64_t capacity = 0;
  uint32_t flags = 0;
  XDR_FIELDS(vol, capacity, flags)
};
RPC_CALL(260, StorageVolResize, StorageVolResizeArgs, void, .acl = {Permission::kStorageVolResize})

struct StoragePoolListAllVolumesArgs {
  NonnullStoragePool pool;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(pool, need_results, flags)
};
struct StoragePoolListAllVolumesRet {
  xdr::List<NonnullStorageVol, kStorageVolListMax> vols;
  uint32_t ret = 0;
  XDR_FIELDS(vols, ret)
};
RPC_CALL(282, StoragePoolListAllVolumes, StoragePoolListAllVolumesArgs, StoragePoolListAllVolumesRet,
         .priority = true, .acl = {Permission::kStoragePoolSearchStorageVols},
         .filter = {Permission::kStorageVolGetattr})

struct StorageVolGetInfoFlagsArgs {
  NonnullStorageVol vol;
  uint32_t flags = 0;
  XDR_FIELDS(vol, flags)
};
struct StorageVolGetInfoFlagsRet {
  char type = 0;
  uint64_t capacity = 0;
  uint64_t allocation = 0;
  XDR_FIELDS(type, capacity, allocation)
};
RPC_CALL(378, StorageVolGetInfoFlags, StorageVolGetInfoFlagsArgs, StorageVolGetInfoFlagsRet, .priority = true,
         .acl = {Permission::kStorageVolRead})

}  // namespace bv::remote
