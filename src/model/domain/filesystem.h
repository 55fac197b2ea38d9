#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/domain/address.h"
#include "model/domain/storage_source.h"
#include "model/value.h"

// <filesystem>
namespace bv::model {

enum class FsType : std::uint8_t { kMount, kBlock, kFile, kTemplate, kRam, kBind, kVolume };
template <>
struct Spelling<FsType> {
  static constexpr const char* kNames[] = {"mount", "block", "file", "template", "ram", "bind", "volume"};
};
enum class FsAccessMode : std::uint8_t { kDefault, kPassthrough, kMapped, kSquash };
template <>
struct Spelling<FsAccessMode> {
  static constexpr const char* kNames[] = {"", "passthrough", "mapped", "squash"};
};
enum class FsDriver : std::uint8_t { kDefault, kPath, kHandle, kLoop, kNbd, kPloop, kVirtiofs };
template <>
struct Spelling<FsDriver> {
  static constexpr const char* kNames[] = {"default", "path", "handle", "loop", "nbd", "ploop", "virtiofs"};
};
enum class FsWritePolicy : std::uint8_t { kDefault, kImmediate };
template <>
struct Spelling<FsWritePolicy> {
  static constexpr const char* kNames[] = {"", "immediate"};
};
enum class FsMultidevs : std::uint8_t { kDefault, kRemap, kForbid, kWarn };
template <>
struct Spelling<FsMultidevs> {
  static constexpr const char* kNames[] = {"default", "remap", "forbid", "warn"};
};
enum class FsCacheMode : std::uint8_t { kDefault, kNone, kAlways };
template <>
struct Spelling<FsCacheMode> {
  static constexpr const char* kNames[] = {"", "none", "always"};
};
enum class FsSandbox : std::uint8_t { kDefault, kNamespace, kChroot };
template <>
struct Spelling<FsSandbox> {
  static constexpr const char* kNames[] = {"", "namespace", "chroot"};
};

struct Filesystem {
  FsType type = FsType::kMount;
  FsAccessMode access_mode = FsAccessMode::kDefault;
  FsMultidevs multidevs = FsMultidevs::kDefault;
  std::optional<unsigned> fmode, dmode;  // octal in XML
  VirtioModel model = VirtioModel::kDefault;
  // <driver>
  FsDriver driver = FsDriver::kDefault;
  StorageFormat format = StorageFormat::kNone;
  FsWritePolicy write_policy = FsWritePolicy::kDefault;
  std::uint64_t queue_size = 0;
  VirtioOptions virtio;
  // <source>, by type
  std::string source;       // directory, file, device, template name
  std::string socket;       // mount with virtiofs: daemon run by somebody else
  std::uint64_t usage = 0;  // ram: bytes
  std::string source_pool, source_volume;
  // <binary> of virtiofsd
  std::string binary;
  OnOff xattr = OnOff::kAbsent;
  FsCacheMode cache = FsCacheMode::kDefault;
  FsSandbox sandbox = FsSandbox::kDefault;
  OnOff lock_posix = OnOff::kAbsent, lock_flock = OnOff::kAbsent;
  std::optional<int> thread_pool_size;
  std::string target;
  bool readonly = false;
  std::uint64_t space_hard_limit = 0, space_soft_limit = 0;  // bytes
  DeviceInfo info;
};

}  // namespace bv::model
