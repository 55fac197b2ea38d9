#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "model/domain/numa.h"
#include "model/value.h"

// <memory>, <maxMemory>, <currentMemory>, <memtune>, <memoryBacking>, <blkiotune>.
namespace bv::model {

enum class MemoryBackingSource : std::uint8_t { kNone, kFile, kAnonymous, kMemfd };
template <>
struct Spelling<MemoryBackingSource> {
  static constexpr const char* kNames[] = {"", "file", "anonymous", "memfd"};
};
enum class MemoryAllocation : std::uint8_t { kNone, kImmediate, kOndemand };
template <>
struct Spelling<MemoryAllocation> {
  static constexpr const char* kNames[] = {"", "immediate", "ondemand"};
};

struct Hugepage {
  KiB size = 0;  // 0: the host's default
  std::optional<Bitmap> nodeset;
};

struct MemoryBacking {
  bool hugepages_given = false;  // <hugepages> stands there; without <page> the default size is meant
  std::vector<Hugepage> hugepages;
  bool nosharepages = false, locked = false, discard = false;
  MemoryBackingSource source = MemoryBackingSource::kNone;
  MemoryAccess access = MemoryAccess::kDefault;
  MemoryAllocation allocation = MemoryAllocation::kNone;
  unsigned allocation_threads = 0;
};

// Limits of the guest's process; nullopt is unlimited.
struct MemTune {
  std::optional<KiB> hard_limit, soft_limit, min_guarantee, swap_hard_limit;
};

struct DomainMemory {
  KiB total = 0;            // <memory>; with NUMA cells, defaults make it their sum
  OnOff dump_core = OnOff::kAbsent;
  std::optional<KiB> current;
  KiB max = 0;              // <maxMemory>; 0: no hotplug
  unsigned slots = 0;
  MemoryBacking backing;
  MemTune tune;
};

struct BlkioDevice {
  std::string path;
  unsigned weight = 0;
  unsigned read_iops = 0, write_iops = 0;
  std::uint64_t read_bytes = 0, write_bytes = 0;
};
struct BlkioTune {
  unsigned weight = 0;
  std::vector<BlkioDevice> devices;
};

}  // namespace bv::model
