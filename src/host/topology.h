#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel_files.h"

namespace bv::host {

struct ProcessorPlace {
  unsigned id = 0;
  unsigned socket = 0, die = 0, core = 0;
  std::vector<unsigned> siblings;  // threads of the same core, itself among them
};

// A NUMA node; a host without NUMA has one without distances.
struct Cell {
  unsigned id = 0;
  std::uint64_t memory_kib = 0;
  struct Pages {
    unsigned size_kib;
    std::uint64_t count;
  };
  std::vector<Pages> pages;                            // small pages first
  std::vector<std::pair<unsigned, unsigned>> distances;  // cell, distance
  std::vector<ProcessorPlace> cpus;                    // online ones
};

struct Topology {
  bool numa = false;
  std::vector<Cell> cells;
};
Topology ReadTopology(const KernelFiles& files);

// What virNodeGetInfo says.
struct NodeInfo {
  std::string model;  // the architecture
  std::uint64_t memory_kib = 0;
  unsigned cpus = 0, mhz = 0, nodes = 1, sockets = 1, cores = 1, threads = 1;
};
NodeInfo ReadNodeInfo(const KernelFiles& files);

// A processor cache of level 3 or beyond.
struct CacheBank {
  unsigned id = 0, level = 0;
  std::string type;  // "both", "code", "data"
  std::uint64_t size_kib = 0;
  std::vector<unsigned> cpus;
};
// By level, then id.
std::vector<CacheBank> ReadCacheBanks(const KernelFiles& files);

// Sizes in KiB, smallest first: the system's page and the huge pages that the kernel has pools for.
std::vector<unsigned> PageSizes(const KernelFiles& files);

std::vector<unsigned> PresentCpus(const KernelFiles& files);
std::vector<unsigned> OnlineCpus(const KernelFiles& files);
// The NUMA nodes; empty on a kernel without them.
std::vector<unsigned> NumaNodes(const KernelFiles& files);

}  // namespace bv::host
