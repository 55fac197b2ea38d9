#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "model/domain/address.h"
#include "model/domain/storage_source.h"
#include "model/storage_common.h"
#include "model/value.h"

// <pool>: where volumes come from.
namespace bv::model {

enum class PoolType : std::uint8_t {
  kDir, kFs, kNetfs, kLogical, kDisk, kIscsi, kIscsiDirect, kScsi, kMpath, kRbd, kSheepdog, kGluster, kZfs, kVstorage,
};
template <>
struct Spelling<PoolType> {
  static constexpr const char* kNames[] = {"dir",   "fs",  "netfs",    "logical", "disk", "iscsi",   "iscsi-direct",
                                           "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs",  "vstorage"};
};
inline constexpr std::size_t kPoolTypes = std::size(Spelling<PoolType>::kNames);

// What a type of pool has in its <source>.
enum PoolPart : std::uint8_t {
  kPoolHost = 1 << 0,
  kPoolDevice = 1 << 1,
  kPoolDir = 1 << 2,
  kPoolAdapter = 1 << 3,
  kPoolName = 1 << 4,       // may stand for the pool's own name, and the other way round
  kPoolInitiator = 1 << 5,
};
struct PoolTraits {
  std::uint8_t shown;       // PoolParts that mean something
  std::uint8_t required;    // those of them that must be there
  const char* const* formats = nullptr;
  std::uint8_t format_count = 0, default_format = 0;
  bool has_target = true;
};
const PoolTraits& TraitsOf(PoolType type);

struct PoolHost {
  std::string name;
  int port = 0;  // 0: the protocol's own
};

struct PoolExtent {
  std::uint64_t start = 0, end = 0;
};
struct PoolDevice {
  std::string path;
  YesNo part_separator = YesNo::kAbsent;
  std::vector<PoolExtent> free_extents;  // found when the pool is looked at
};

enum class AdapterType : std::uint8_t { kNone, kScsiHost, kFcHost };
template <>
struct Spelling<AdapterType> {
  static constexpr const char* kNames[] = {"", "scsi_host", "fc_host"};
};
// A host bus adapter, by name or place (scsi_host) or by its numbers in the fabric (fc_host).
struct PoolAdapter {
  AdapterType type = AdapterType::kNone;
  std::optional<std::string> name;
  std::optional<PciAddress> parent_address;
  std::optional<std::uint32_t> unique_id;
  std::string parent, parent_wwnn, parent_wwpn, parent_fabric_wwn, wwnn, wwpn;
  YesNo managed = YesNo::kAbsent;
};

struct PoolSource {
  std::vector<PoolHost> hosts;
  std::vector<PoolDevice> devices;
  std::string dir;
  PoolAdapter adapter;
  std::string name;
  std::string initiator_iqn;
  std::uint8_t format = 0;  // index into PoolTraits::formats
  std::optional<StorageAuth> auth;
  std::string protocol_version;
  std::string vendor, product;
};

enum class PoolRefreshAllocation : std::uint8_t { kDefault, kCapacity };
template <>
struct Spelling<PoolRefreshAllocation> {
  static constexpr const char* kNames[] = {"default", "capacity"};
};

struct PoolOption {
  std::string name, value;
};

struct PoolDef {
  PoolType type = PoolType::kDir;
  std::string name;
  Uuid uuid;  // made when the document has none
  std::uint64_t capacity = 0, allocation = 0, available = 0;  // bytes; never read from XML
  YesNo cow = YesNo::kAbsent;
  PoolSource source;
  std::string target_path;
  StoragePermissions permissions;
  std::optional<PoolRefreshAllocation> refresh_allocation;
  std::vector<std::string> mount_options;    // fs, netfs
  std::vector<PoolOption> config_options;    // rbd

  const PoolTraits& traits() const { return TraitsOf(type); }
  std::string_view format_name() const;  // empty for types without formats
};

// Domain of errors: kStorage.
PoolDef ParsePool(std::string_view xml, bool validate = false);
std::string FormatPool(const PoolDef& pool);
// <poolstate>: a pool that is active, in a file.
PoolDef ParsePoolState(std::string_view xml);
std::string FormatPoolState(const PoolDef& pool);

// <source> alone: what to look for, and what was found.
PoolSource ParsePoolSource(std::string_view xml, PoolType type);
std::string FormatPoolSources(const std::vector<PoolSource>& sources, PoolType type);

}  // namespace bv::model
