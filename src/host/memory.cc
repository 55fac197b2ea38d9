#include "host/memory.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "base/verbatim_error.h"
#include "host/topology.h"

namespace bv::host {

namespace {

Error HostError(ErrorCode code, std::string detail) { return Error(ErrorDomain::kNone, code, std::move(detail)); }

// KiB behind "Key:" in text of the form of /proc/meminfo.
std::uint64_t KibOf(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; (at = text.find(key, at)) != std::string_view::npos; at += key.size()) {
    const bool begins = at == 0 || text[at - 1] == '\n' || text[at - 1] == ' ';
    std::size_t colon = at + key.size();
    if (!begins || colon >= text.size() || text[colon] != ':') continue;
    return std::strtoull(text.data() + colon + 1, nullptr, 10);
  }
  return 0;
}

// The cells a call is about: -1 stands for the whole host and may only come first.
struct CellRange {
  int first, last;
};
CellRange RangeOf(const KernelFiles& files, int first, unsigned count) {
  const auto nodes = NumaNodes(files);
  const int highest = nodes.empty() ? 0 : static_cast<int>(nodes.back());
  if (first > highest) {
    throw HostError(ErrorCode::kInternalError, fmt::format("start cell {} out of range (0-{})", first, highest));
  }
  // -1 is the host as a whole.
  if (first < -1) throw HostError(ErrorCode::kOperationFailed, fmt::format("NUMA node {} is not available", first));
  const long long last = static_cast<long long>(first) + count - 1;
  return {first, static_cast<int>(std::min<long long>(last, highest))};
}

bool HasCell(const KernelFiles& files, int cell) {
  return cell < 0 || files.Exists(fmt::format("/sys/devices/system/node/node{}", cell)) || NumaNodes(files).empty();
}

std::string PoolDirectory(const KernelFiles& files, int cell) {
  if (cell < 0 || NumaNodes(files).empty()) return "/sys/kernel/mm/hugepages";
  return fmt::format("/sys/devices/system/node/node{}/hugepages", cell);
}

std::uint64_t FreeKib(const KernelFiles& files, int cell) {
  const auto nodes = NumaNodes(files);
  if (nodes.empty()) return ReadHostMemory(files).free_kib;
  if (cell >= 0) return ReadCellMemory(files, static_cast<unsigned>(cell)).free_kib;
  std::uint64_t sum = 0;
  for (unsigned node : nodes) sum += ReadCellMemory(files, node).free_kib;
  return sum;
}

Error NoSuchPage(unsigned size, int cell) {
  return HostError(ErrorCode::kOperationFailed, fmt::format("page size {} is not available on node {}", size, cell));
}

}  // namespace

Memory ReadHostMemory(const KernelFiles& files) {
  std::string text = files.Read("/proc/meminfo").value_or("");
  return {KibOf(text, "MemTotal"), KibOf(text, "MemFree"), KibOf(text, "Buffers"), KibOf(text, "Cached")};
}

Memory ReadCellMemory(const KernelFiles& files, unsigned cell) {
  std::string text = files.Read(fmt::format("/sys/devices/system/node/node{}/meminfo", cell)).value_or("");
  return {.total_kib = KibOf(text, "MemTotal"), .free_kib = KibOf(text, "MemFree")};
}

std::vector<std::pair<std::string, std::uint64_t>> MemoryStats(const KernelFiles& files, int cell) {
  if (cell == -1) {
    Memory memory = ReadHostMemory(files);
    return {{"total", memory.total_kib},
            {"free", memory.free_kib},
            {"buffers", memory.buffers_kib},
            {"cached", memory.cached_kib}};
  }
  const auto nodes = NumaNodes(files);
  const int highest = nodes.empty() ? 0 : static_cast<int>(nodes.back());
  if (cell < 0 || cell > highest) {
    throw VerbatimError(ErrorDomain::kNone, ErrorCode::kInvalidArg,
                        fmt::format("cellNum in {} must be less than or equal to {}", "virHostMemGetStats", highest));
  }
  if (nodes.empty()) return MemoryStats(files, -1);
  Memory memory = ReadCellMemory(files, static_cast<unsigned>(cell));
  return {{"total", memory.total_kib}, {"free", memory.free_kib}};
}

std::uint64_t FreeMemory(const KernelFiles& files) { return FreeKib(files, -1) * 1024; }

std::vector<std::uint64_t> CellsFreeMemory(const KernelFiles& files, int first, int count) {
  CellRange range = RangeOf(files, first, static_cast<unsigned>(std::max(count, 0)));
  std::vector<std::uint64_t> cells;
  for (int cell = range.first; cell <= range.last; ++cell) cells.push_back(FreeKib(files, cell) * 1024);
  return cells;
}

std::vector<std::uint64_t> FreePages(const KernelFiles& files, std::span<const unsigned> sizes, int first,
                                     unsigned count) {
  CellRange range = RangeOf(files, first, count);
  const unsigned small = PageSizes(files).front();
  std::vector<std::uint64_t> pages;
  for (int cell = range.first; cell <= range.last; ++cell) {
    for (unsigned size : sizes) {
      if (size == small) {
        pages.push_back(FreeKib(files, cell) / small);
        continue;
      }
      auto free = files.ReadNumber(fmt::format("{}/hugepages-{}kB/free_hugepages", PoolDirectory(files, cell), size));
      if (!free || !HasCell(files, cell)) throw NoSuchPage(size, cell);
      pages.push_back(*free);
    }
  }
  return pages;
}

unsigned AllocatePages(const KernelFiles& files, std::span<const std::pair<unsigned, std::uint64_t>> pages, int first,
                       unsigned count, bool add) {
  CellRange range = RangeOf(files, first, count);
  const unsigned small = PageSizes(files).front();
  unsigned changed = 0;
  for (int cell = range.first; cell <= range.last; ++cell) {
    for (auto [size, number] : pages) {
      if (size == small) throw HostError(ErrorCode::kOperationUnsupported, "system pages pool can't be modified");
      const std::string pool = fmt::format("{}/hugepages-{}kB/nr_hugepages", PoolDirectory(files, cell), size);
      auto present = files.ReadNumber(pool);
      if (!present) throw NoSuchPage(size, cell);
      const std::uint64_t wanted = add ? *present + number : number;
      if (!files.Write(pool, std::to_string(wanted))) throw SystemError(ErrorDomain::kNone, "Unable to write to: " + pool);
      // The kernel takes what it can get and says nothing.
      const std::uint64_t got = files.ReadNumber(pool).value_or(0);
      if (got != wanted) {
        throw HostError(ErrorCode::kOperationFailed,
                        fmt::format("Unable to allocate {} pages. Allocated only {}", number, got - std::min(got, *present)));
      }
      ++changed;
    }
  }
  return changed;
}

std::span<const MergingParameter> MergingParameters() {
  static constexpr MergingParameter kParameters[] = {
      {"shm_pages_to_scan", "pages_to_scan", false, true},
      {"shm_sleep_millisecs", "sleep_millisecs", false, true},
      {"shm_pages_shared", "pages_shared", true, false},
      {"shm_pages_sharing", "pages_sharing", true, false},
      {"shm_pages_unshared", "pages_unshared", true, false},
      {"shm_pages_volatile", "pages_volatile", true, false},
      {"shm_full_scans", "full_scans", true, false},
      {"shm_merge_across_nodes", "merge_across_nodes", false, true},
  };
  return kParameters;
}

std::optional<std::uint64_t> ReadMerging(const KernelFiles& files, const MergingParameter& parameter) {
  return files.ReadNumber(std::string("/sys/kernel/mm/ksm/") + parameter.file);
}

void WriteMerging(const KernelFiles& files, const MergingParameter& parameter, std::uint64_t value) {
  if (files.Write(std::string("/sys/kernel/mm/ksm/") + parameter.file, std::to_string(value))) return;
  throw SystemError(ErrorDomain::kNone, fmt::format("failed to set {}", parameter.file));
}

}  // namespace bv::host
