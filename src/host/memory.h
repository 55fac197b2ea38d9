#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "host/kernel_files.h"

namespace bv::host {

struct Memory {
  std::uint64_t total_kib = 0, free_kib = 0, buffers_kib = 0, cached_kib = 0;
};
Memory ReadHostMemory(const KernelFiles& files);
// Of one NUMA node; its buffers and cached are not known.
Memory ReadCellMemory(const KernelFiles& files, unsigned cell);

// Names and values as NODE_GET_MEMORY_STATS has them; `cell` -1 is the whole host. Throws kInvalidArg.
std::vector<std::pair<std::string, std::uint64_t>> MemoryStats(const KernelFiles& files, int cell);

// Bytes.
std::uint64_t FreeMemory(const KernelFiles& files);
// Bytes, for at most `count` cells from `first`; throws kInternalError when there is no such cell.
std::vector<std::uint64_t> CellsFreeMemory(const KernelFiles& files, int first, int count);

// Free pages of each of `sizes` (KiB), for each of at most `count` cells from `first` (-1: the whole host),
// one cell after another. kInternalError for a cell, kOperationFailed for a size that is not there.
std::vector<std::uint64_t> FreePages(const KernelFiles& files, std::span<const unsigned> sizes, int first,
                                     unsigned count);

// Changes the pools of huge pages on each of the cells; `add` to their present size or to this size.
// Pairs of size (KiB) and number of pages. Returns how many pools were changed.
unsigned AllocatePages(const KernelFiles& files, std::span<const std::pair<unsigned, std::uint64_t>> pages, int first,
                       unsigned count, bool add);

// Kernel same-page merging: what NODE_GET_MEMORY_PARAMETERS lists.
struct MergingParameter {
  const char* name;  // "shm_pages_to_scan"
  const char* file;  // below /sys/kernel/mm/ksm
  bool is_64_bit;
  bool may_be_set;
};
std::span<const MergingParameter> MergingParameters();
std::optional<std::uint64_t> ReadMerging(const KernelFiles& files, const MergingParameter& parameter);
// Throws kSystemError when the kernel refuses.
void WriteMerging(const KernelFiles& files, const MergingParameter& parameter, std::uint64_t value);

}  // namespace bv::host
