#include "host/topology.h"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "host/memory.h"

namespace bv::host {

namespace {

constexpr char kCpus[] = "/sys/devices/system/cpu";
constexpr char kNodes[] = "/sys/devices/system/node";

unsigned SystemPageKib() { return static_cast<unsigned>(sysconf(_SC_PAGESIZE) / 1024); }

ProcessorPlace PlaceOf(const KernelFiles& files, unsigned cpu) {
  const std::string base = fmt::format("{}/cpu{}/topology/", kCpus, cpu);
  auto number = [&](const char* name) {
    // Some kernels say -1 for what the hardware does not tell.
    auto text = files.Read(base + name);
    long value = text ? std::strtol(text->c_str(), nullptr, 10) : 0;
    return value < 0 ? 0u : static_cast<unsigned>(value);
  };
  ProcessorPlace place{.id = cpu, .socket = number("physical_package_id"), .die = number("die_id"), .core = number("core_id")};
  place.siblings = files.ReadList(base + "thread_siblings_list");
  if (place.siblings.empty()) place.siblings = {cpu};
  return place;
}

std::vector<ProcessorPlace> PlacesOf(const KernelFiles& files, const std::vector<unsigned>& cpus,
                                     const std::vector<unsigned>& online) {
  std::vector<ProcessorPlace> places;
  for (unsigned cpu : cpus) {
    if (std::ranges::binary_search(online, cpu)) places.push_back(PlaceOf(files, cpu));
  }
  return places;
}

std::vector<Cell::Pages> PagesOf(const KernelFiles& files, std::uint64_t memory_kib, const std::string& pools) {
  std::vector<Cell::Pages> pages;
  std::uint64_t huge_kib = 0;
  for (unsigned size : PageSizes(files)) {
    std::uint64_t count = files.ReadNumber(fmt::format("{}/hugepages-{}kB/nr_hugepages", pools, size)).value_or(0);
    pages.push_back({size, count});
    huge_kib += count * size;
  }
  // What is set aside for huge pages is not there for small ones.
  pages.front().count = (memory_kib - std::min(memory_kib, huge_kib)) / pages.front().size_kib;
  return pages;
}

std::vector<std::pair<unsigned, unsigned>> DistancesOf(const KernelFiles& files, unsigned node,
                                                       const std::vector<unsigned>& nodes) {
  std::vector<std::pair<unsigned, unsigned>> distances;
  auto text = files.Read(fmt::format("{}/node{}/distance", kNodes, node)).value_or("");
  char* at = text.data();
  for (unsigned other : nodes) {
    char* end;
    unsigned long distance = std::strtoul(at, &end, 10);
    if (end == at) break;
    at = end;
    distances.emplace_back(other, static_cast<unsigned>(distance));
  }
  return distances;
}

unsigned ReadMhz(const KernelFiles& files) {
  std::string text = files.Read("/proc/cpuinfo").value_or("");
  for (const char* key : {"\ncpu MHz", "\nclock", "\nBogoMIPS"}) {
    std::size_t at = text.find(key);
    if (at == std::string::npos) continue;
    std::size_t colon = text.find(':', at);
    if (colon != std::string::npos) return static_cast<unsigned>(std::strtoul(text.c_str() + colon + 1, nullptr, 10));
  }
  return 0;
}

}  // namespace

std::vector<unsigned> PresentCpus(const KernelFiles& files) { return files.ReadList(fmt::format("{}/present", kCpus)); }
std::vector<unsigned> OnlineCpus(const KernelFiles& files) { return files.ReadList(fmt::format("{}/online", kCpus)); }
std::vector<unsigned> NumaNodes(const KernelFiles& files) { return files.ReadList(fmt::format("{}/online", kNodes)); }

std::vector<unsigned> PageSizes(const KernelFiles& files) {
  std::vector<unsigned> sizes;
  for (const std::string& name : files.Names("/sys/kernel/mm/hugepages")) {
    unsigned size;
    if (std::sscanf(name.c_str(), "hugepages-%ukB", &size) == 1) sizes.push_back(size);
  }
  std::ranges::sort(sizes);
  sizes.insert(sizes.begin(), SystemPageKib());
  return sizes;
}

Topology ReadTopology(const KernelFiles& files) {
  Topology topology;
  const auto online = OnlineCpus(files);
  const auto nodes = NumaNodes(files);
  topology.numa = !nodes.empty();
  for (unsigned node : nodes) {
    const std::string base = fmt::format("{}/node{}", kNodes, node);
    Cell cell{.id = node};
    cell.memory_kib = ReadCellMemory(files, node).total_kib;
    cell.pages = PagesOf(files, cell.memory_kib, base + "/hugepages");
    cell.distances = DistancesOf(files, node, nodes);
    cell.cpus = PlacesOf(files, files.ReadList(base + "/cpulist"), online);
    topology.cells.push_back(std::move(cell));
  }
  if (!topology.numa) {
    Cell cell;
    cell.memory_kib = ReadHostMemory(files).total_kib;
    cell.pages = PagesOf(files, cell.memory_kib, "/sys/kernel/mm/hugepages");
    cell.cpus = PlacesOf(files, online, online);
    topology.cells.push_back(std::move(cell));
  }
  return topology;
}

NodeInfo ReadNodeInfo(const KernelFiles& files) {
  NodeInfo info;
  utsname system;
  uname(&system);
  info.model = system.machine;
  info.mhz = ReadMhz(files);
  const Topology topology = ReadTopology(files);
  unsigned total = 0;
  info.nodes = 0;
  for (const Cell& cell : topology.cells) {
    info.memory_kib += cell.memory_kib;
    if (cell.cpus.empty()) continue;
    ++info.nodes;
    std::map<unsigned, std::set<std::pair<unsigned, unsigned>>> cores_of_socket;
    for (const ProcessorPlace& cpu : cell.cpus) {
      cores_of_socket[cpu.socket].emplace(cpu.die, cpu.core);
      info.threads = std::max(info.threads, static_cast<unsigned>(cpu.siblings.size()));
    }
    info.sockets = std::max(info.sockets, static_cast<unsigned>(cores_of_socket.size()));
    for (const auto& [socket, cores] : cores_of_socket) {
      info.cores = std::max(info.cores, static_cast<unsigned>(cores.size()));
    }
    total += static_cast<unsigned>(cell.cpus.size());
  }
  info.cpus = total;
  const unsigned present = static_cast<unsigned>(PresentCpus(files).size());
  // A topology that does not multiply to the number of processors is told as a flat one.
  if (info.nodes * info.sockets * info.cores * info.threads != present) {
    info.nodes = info.sockets = info.threads = 1;
    info.cores = present;
  }
  return info;
}

std::vector<CacheBank> ReadCacheBanks(const KernelFiles& files) {
  std::vector<CacheBank> banks;
  for (unsigned cpu : OnlineCpus(files)) {
    const std::string caches = fmt::format("{}/cpu{}/cache", kCpus, cpu);
    for (unsigned index : files.Numbered(caches, "index")) {
      const std::string base = fmt::format("{}/index{}/", caches, index);
      CacheBank bank{.id = static_cast<unsigned>(files.ReadNumber(base + "id").value_or(0)),
                     .level = static_cast<unsigned>(files.ReadNumber(base + "level").value_or(0))};
      if (bank.level < 3) continue;
      const std::string type = files.Read(base + "type").value_or("");
      bank.type = type == "Data" ? "data" : type == "Instruction" ? "code" : "both";
      bank.size_kib = files.ReadNumber(base + "size").value_or(0);
      bank.cpus = files.ReadList(base + "shared_cpu_list");
      auto same = [&](const CacheBank& other) {
        return other.id == bank.id && other.level == bank.level && other.type == bank.type;
      };
      if (std::ranges::none_of(banks, same)) banks.push_back(std::move(bank));
    }
  }
  std::ranges::stable_sort(banks, {}, [](const CacheBank& bank) { return std::pair(bank.level, bank.id); });
  return banks;
}

}  // namespace bv::host
