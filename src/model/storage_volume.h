#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/domain/storage_source.h"
#include "model/storage_common.h"

// <volume>: one image, device or directory of a pool.
namespace bv::model {

enum class VolumeType : std::uint8_t { kFile, kBlock, kDir, kNetwork, kNetdir, kPloop };
template <>
struct Spelling<VolumeType> {
  static constexpr const char* kNames[] = {"file", "block", "dir", "network", "netdir", "ploop"};
};

struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};
struct Timestamps {
  Timestamp accessed, modified, changed, born;
};

struct ImageFeatures {
  bool lazy_refcounts = false, extended_l2 = false;
};

// A volume's own image, or the one that it lies upon.
struct VolumeImage {
  std::string path;
  StorageFormat format = StorageFormat::kRaw;
  StoragePermissions permissions;
  std::optional<Timestamps> timestamps;
  std::optional<StorageEncryption> encryption;
  std::string compat;              // qcow2's version, "1.1"
  bool nocow = false;              // asked for when it is made
  std::uint64_t cluster_size = 0;  // bytes; 0: not known, or the format's own
  std::optional<ImageFeatures> features;
};

// A piece of a device that a volume is made of; bytes, the end is the first that is not in it.
struct VolumeExtent {
  std::string device;
  std::uint64_t start = 0, end = 0;
};

// What <format> of a volume is about: an image, a partition of a disk, or nothing.
enum class VolumeFormats : std::uint8_t { kImages, kPartitions, kNone };
enum class PartitionFormat : std::uint8_t { kNone, kLinux, kFat16, kFat32, kLinuxSwap, kLinuxLvm, kLinuxRaid, kExtended };
template <>
struct Spelling<PartitionFormat> {
  static constexpr const char* kNames[] = {"none", "linux", "fat16", "fat32", "linux-swap", "linux-lvm", "linux-raid", "extended"};
};

struct VolumeDef {
  std::string name, key;
  VolumeType type = VolumeType::kFile;
  std::uint64_t capacity = 0, allocation = 0, physical = 0;  // bytes; physical 0: not known
  bool has_allocation = false;                               // said, not made up of the capacity
  VolumeFormats formats = VolumeFormats::kImages;
  PartitionFormat partition = PartitionFormat::kNone;  // with kPartitions
  std::vector<VolumeExtent> extents;                   // found when the pool is looked at
  VolumeImage target;
  std::optional<VolumeImage> backing;
};

// Flags have the values of libvirt's own parser, which clients can set.
enum VolumeParseFlag : unsigned {
  kVolumeNoCapacity = 1 << 0,        // there need be none
  kVolumeOptionalCapacity = 1 << 1,  // none where the image below has one
  kVolumeValidate = 1 << 2,
};
// Domain of errors: kStorage.
VolumeDef ParseVolume(std::string_view xml, unsigned flags, VolumeFormats formats = VolumeFormats::kImages);
std::string FormatVolume(const VolumeDef& volume);

}  // namespace bv::model
