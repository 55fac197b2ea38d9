#pragma once

#include "base/uuid.h"
#include "rpc/typed_param.h"
#include "rpc/procedure.h"
#include "rpc/xdr.h"

// What the procedures of the main program share: object references, limits, flags that access
// control looks at.

namespace bv::remote {

extern const rpc::Program kProgram;

using rpc::AclRows;
using rpc::FdKind;
using rpc::IfClear;
using rpc::IfSet;
using rpc::IfSource;
using rpc::Permission;
using rpc::ReadOnly;
using rpc::StreamKind;

namespace proc {
template <int kNumber>
struct At;
}

inline constexpr uint32_t kCpumapMax = 2048;
inline constexpr uint32_t kDomainJobStatsMax = 64;
inline constexpr uint32_t kDomainListMax = 16384;

// Public API flags.
inline constexpr uint32_t kAffectLive = 1;
inline constexpr uint32_t kDomainCheckpointXmlSecure = 1;
inline constexpr uint32_t kDomainInterfaceAddressesSrcAgent = 1;
inline constexpr uint32_t kDomainSaveImageXmlSecure = 1;
inline constexpr uint32_t kDomainSnapshotXmlSecure = 1;
inline constexpr uint32_t kDomainXmlSecure = 1;
inline constexpr uint32_t kStorageVolDownloadSparseStream = 1;
inline constexpr uint32_t kStorageVolUploadSparseStream = 1;
inline constexpr uint32_t kAffectConfig = 2;
inline constexpr uint32_t kDomainCheckpointCreateQuiesce = 2;
inline constexpr uint32_t kDomainRebootGuestAgent = 2;
inline constexpr uint32_t kDomainShutdownGuestAgent = 2;
inline constexpr uint32_t kDomainVcpuGuest = 8;
inline constexpr uint32_t kDomainXmlMigratable = 8;
inline constexpr uint32_t kDomainSnapshotCreateQuiesce = 64;

// Changing a domain or network needs `save` as well when its configuration on disk changes, which
// it does when neither or the configuration is named.
inline constexpr AclRows kModifyDomain = {Permission::kDomainWrite,
                                          IfClear(Permission::kDomainSave, kAffectConfig | kAffectLive),
                                          IfSet(Permission::kDomainSave, kAffectConfig)};
inline constexpr AclRows kModifyNetwork = {Permission::kNetworkWrite,
                                           IfClear(Permission::kNetworkSave, kAffectConfig | kAffectLive),
                                           IfSet(Permission::kNetworkSave, kAffectConfig)};

using bv::TypedParam;
using bv::TypedParamValue;

struct NonnullDomain {
  std::string name;
  Uuid uuid;
  int32_t id = 0;
  XDR_FIELDS(name, uuid, id)
};

struct NonnullNetwork {
  std::string name;
  Uuid uuid;
  XDR_FIELDS(name, uuid)
};

struct NonnullNetworkPort {
  NonnullNetwork net;
  Uuid uuid;
  XDR_FIELDS(net, uuid)
};

struct NonnullNwfilter {
  std::string name;
  Uuid uuid;
  XDR_FIELDS(name, uuid)
};

struct NonnullNwfilterBinding {
  std::string portdev;
  std::string filtername;
  XDR_FIELDS(portdev, filtername)
};

struct NonnullInterface {
  std::string name;
  std::string mac;
  XDR_FIELDS(name, mac)
};

struct NonnullStoragePool {
  std::string name;
  Uuid uuid;
  XDR_FIELDS(name, uuid)
};

struct NonnullStorageVol {
  std::string pool;
  std::string name;
  std::string key;
  XDR_FIELDS(pool, name, key)
};

struct NonnullNodeDevice {
  std::string name;
  XDR_FIELDS(name)
};

struct NonnullSecret {
  Uuid uuid;
  int32_t usageType = 0;
  std::string usageID;
  XDR_FIELDS(uuid, usageType, usageID)
};

struct NonnullDomainSnapshot {
  std::string name;
  NonnullDomain dom;
  XDR_FIELDS(name, dom)
};

struct NonnullDomainCheckpoint {
  std::string name;
  NonnullDomain dom;
  XDR_FIELDS(name, dom)
};

}  // namespace bv::remote
