#pragma once

#include <string>

#include "base/task.h"

namespace bv::storage {

// What is on a block device, by blkid(8). Errors have domain kStorage.

struct DeviceContent {
  std::string partition_table;  // as blkid calls it: "dos", "gpt", ...
  std::string file_system;      // or another thing that takes the whole device: "ext4", "LVM2_member"
  bool empty() const { return partition_table.empty() && file_system.empty(); }
};

// kStorageProbeFailed when it cannot be looked at.
Task<DeviceContent> ProbeDevice(std::string path);
// kStoragePoolBuilt when there is something on it.
Task<> RequireEmpty(std::string path);

// The name in `directory` that leads to a device, which stays the same when devices come in another order; `device`
// where there is none, or the directory is /dev itself. Blocks.
std::string StablePath(const std::string& directory, const std::string& device);

}  // namespace bv::storage
