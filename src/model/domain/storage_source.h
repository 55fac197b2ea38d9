#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/domain/address.h"
#include "model/domain/seclabel.h"
#include "model/value.h"

// Where the bytes of a disk (or nvram, mirror, backing file) are: <source> with the type attribute,
// <format> and <backingStore> around it.
namespace bv::model {

enum class StorageType : std::uint8_t { kNone, kFile, kBlock, kDir, kNetwork, kVolume, kNvme, kVhostUser };
template <>
struct Spelling<StorageType> {
  static constexpr const char* kNames[] = {"", "file", "block", "dir", "network", "volume", "nvme", "vhostuser"};
};

enum class StorageFormat : std::uint8_t {
  kNone, kRaw, kDir, kBochs, kCloop, kDmg, kIso, kVpc, kVdi, kFat, kVhd, kPloop, kCow, kQcow, kQcow2, kQed, kVmdk, kLuks,
};
template <>
struct Spelling<StorageFormat> {
  static constexpr const char* kNames[] = {"", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd",
                                           "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", "luks"};
};

enum class NetworkProtocol : std::uint8_t {
  kNone, kNbd, kRbd, kSheepdog, kGluster, kIscsi, kHttp, kHttps, kFtp, kFtps, kTftp, kSsh, kVxhs, kNfs,
};
template <>
struct Spelling<NetworkProtocol> {
  static constexpr const char* kNames[] = {"none", "nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https", "ftp",
                                           "ftps", "tftp", "ssh", "vxhs", "nfs"};
};

enum class HostTransport : std::uint8_t { kTcp, kUnix, kRdma };
template <>
struct Spelling<HostTransport> {
  static constexpr const char* kNames[] = {"tcp", "unix", "rdma"};
};
struct StorageHost {
  std::string name;
  unsigned port = 0;  // 0: the protocol's own
  HostTransport transport = HostTransport::kTcp;
  std::string socket;
};

// Names a secret by UUID or by usage.
struct SecretRef {
  std::optional<Uuid> uuid;
  std::string usage;
};

enum class AuthType : std::uint8_t { kNone, kChap, kCeph };
template <>
struct Spelling<AuthType> {
  static constexpr const char* kNames[] = {"none", "chap", "ceph"};
};
// <auth> of a disk (secret type by name) or of a storage pool (type of authentication).
struct StorageAuth {
  std::string username;
  std::string secret_type;  // "ceph", "iscsi"
  AuthType type = AuthType::kNone;
  SecretRef secret;
};

enum class EncryptionFormat : std::uint8_t { kDefault, kQcow, kLuks, kLuks2 };
template <>
struct Spelling<EncryptionFormat> {
  static constexpr const char* kNames[] = {"default", "qcow", "luks", "luks2"};
};
enum class EncryptionEngine : std::uint8_t { kDefault, kQemu, kLibrbd };
template <>
struct Spelling<EncryptionEngine> {
  static constexpr const char* kNames[] = {"", "qemu", "librbd"};
};
struct EncryptionCipher {
  std::string name;
  unsigned size = 0;
  std::string mode, hash;
};
struct EncryptionIvgen {
  std::string name, hash;
};
struct StorageEncryption {
  EncryptionFormat format = EncryptionFormat::kDefault;
  EncryptionEngine engine = EncryptionEngine::kDefault;
  std::vector<SecretRef> secrets;
  EncryptionCipher cipher;
  EncryptionIvgen ivgen;
};

struct Reconnect {
  YesNo enabled = YesNo::kAbsent;
  unsigned timeout = 0;  // seconds
};

// Persistent reservations.
struct Reservations {
  YesNo managed = YesNo::kAbsent;
  std::string path;
};

struct NvmeSource {
  std::uint64_t namespace_id = 0;
  YesNo managed = YesNo::kAbsent;
  PciAddress address;
};

struct VolumeSource {
  std::string pool, volume;
  enum class Mode : std::uint8_t { kDefault, kHost, kDirect } mode = Mode::kDefault;
};
template <>
struct Spelling<VolumeSource::Mode> {
  static constexpr const char* kNames[] = {"", "host", "direct"};
};

struct HttpCookie {
  std::string name, value;
};

enum class StartupPolicy : std::uint8_t { kDefault, kMandatory, kRequisite, kOptional };
template <>
struct Spelling<StartupPolicy> {
  static constexpr const char* kNames[] = {"", "mandatory", "requisite", "optional"};
};

struct StorageSlice {
  std::uint64_t offset = 0, size = 0;
};

struct StorageSource {
  StorageType type = StorageType::kNone;
  StorageFormat format = StorageFormat::kNone;
  unsigned id = 0;         // index='..' of a running guest; 0: none
  std::string path;        // file, device, directory, or name on the network, by type
  std::string query;       // http(s)
  std::string fdgroup;     // file: passed by DOMAIN_FD_ASSOCIATE
  StartupPolicy startup_policy = StartupPolicy::kDefault;
  // network:
  NetworkProtocol protocol = NetworkProtocol::kNone;
  std::vector<StorageHost> hosts;
  YesNo tls = YesNo::kAbsent;
  std::string tls_hostname;
  bool tls_from_config = false;  // status XML
  std::string snapshot_name, config_file;
  std::string initiator_iqn;
  std::string nfs_user, nfs_group;
  YesNo ssl_verify = YesNo::kAbsent;
  std::vector<HttpCookie> cookies;
  std::uint64_t readahead = 0;  // bytes
  std::uint64_t timeout = 0;    // seconds
  std::optional<VolumeSource> volume;
  std::optional<NvmeSource> nvme;
  // vhostuser: path is the socket
  Reconnect reconnect;

  std::optional<StorageSlice> slice;
  std::optional<StorageAuth> auth;
  bool auth_in_source = false;  // stands in <source> rather than in <disk>
  std::optional<StorageEncryption> encryption;
  bool encryption_in_source = false;
  std::optional<Reservations> reservations;
  std::vector<DeviceSeclabel> seclabels;
  std::optional<std::uint64_t> metadata_cache_max;  // bytes
  bool readonly = false, shared = false;

  // The next image of the chain. A chain that ends on purpose has a StorageSource of type kNone
  // (<backingStore/>); null means "look into the image".
  std::unique_ptr<StorageSource> backing;

  bool IsEmpty() const;           // no medium
  bool IsTerminator() const { return type == StorageType::kNone; }
};

// Private runtime state of a source is the qemu driver's (status XML).

}  // namespace bv::model
