#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/storage_pool.h"
#include "model/storage_volume.h"

namespace bv::storage {

// A disk as parted(8) shows it, and where another partition would go. Errors have domain kStorage.

enum class PartitionKind : std::uint8_t { kPrimary, kExtended, kLogical };
struct Partition {
  unsigned number = 0;
  PartitionKind kind = PartitionKind::kPrimary;
  std::uint64_t start = 0, end = 0;  // bytes; the end is the first that is not in it
};
struct PartitionTable {
  std::string label;  // as parted calls it: "msdos", "gpt"; "loop" for a file system without a table
  std::vector<Partition> partitions;
  std::vector<model::PoolExtent> free;
};

// Of "parted DEVICE unit B print free" in English. Throws kInternalError for what is none.
PartitionTable ReadPartitionTable(std::string_view output);
// The format of a disk pool that a label is called by, and the other way round; empty where there is none.
std::string_view PoolFormatOf(std::string_view label);
std::string_view LabelOf(std::string_view pool_format);

struct PartitionPlan {
  unsigned number;
  PartitionKind kind;
  std::uint64_t start, end;
};
// The smallest room that is large enough, aligned as disks like it where that fits. Throws kInternalError when there is
// none, or no number left.
PartitionPlan PlanPartition(const PartitionTable& table, model::PartitionFormat format, std::uint64_t size);
// What comes after "parted DEVICE mkpart --script".
std::vector<std::string> PartitionArguments(const PartitionTable& table, const PartitionPlan& plan, model::PartitionFormat format);

}  // namespace bv::storage
