#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/storage_pool.h"
#include "model/storage_volume.h"

namespace bv::storage {

// What the programs of LVM print (lvmreport(7)), and what they are told. Errors have domain kStorage.

// Columns of lvs that ReadLogicalVolumes() wants, with this between them.
inline constexpr const char* kLogicalSeparator = "#";
inline constexpr const char* kLogicalVolumeColumns =
    "lv_name,origin,uuid,devices,segtype,stripes,seg_size,vg_extent_size,size,lv_attr";

struct LogicalVolume {
  std::string name, origin, uuid;
  std::vector<model::VolumeExtent> extents;
};
// Those that can be used: thin pools and what is inactive are left out. Throws kInternalError for lines that are none.
std::vector<LogicalVolume> ReadLogicalVolumes(std::string_view report);
// Bytes: all, and those that are free.
std::pair<std::uint64_t, std::uint64_t> ReadGroupSizes(std::string_view report);
// The groups of "pvs -o pv_name,vg_name", with their devices.
std::vector<model::PoolSource> ReadPhysicalVolumes(std::string_view report);

// Throws kConfigUnsupported where no group has the pool's name, or none of its devices.
void CheckGroup(const model::PoolSource& wanted, const std::vector<model::PoolSource>& groups);
model::VolumeDef VolumeOf(const LogicalVolume& logical, const std::string& pool_path);
std::vector<std::string> CreateCommand(const std::string& group, const model::VolumeDef& volume);

}  // namespace bv::storage
