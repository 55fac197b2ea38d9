// What is said of the host, from directories that stand for /proc and /sys of machines we do not have.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "host/cpu_time.h"
#include "host/host_capabilities.h"
#include "host/memory.h"
#include "host/topology.h"

namespace bv::host {
namespace {

class HostTest : public testing::Test {
 protected:
  HostTest() : files_(root_) {}
  ~HostTest() override { EXPECT_EQ(system(("rm -rf " + root_).c_str()), 0); }

  void Put(const std::string& path, std::string_view text) {
    MakeDirs(root_ + path.substr(0, path.rfind('/')));
    std::ofstream(root_ + path) << text;
  }
  void PutCpu(unsigned cpu, unsigned socket, unsigned core, const char* siblings) {
    const std::string base = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    Put(base + "physical_package_id", std::to_string(socket) + "\n");
    Put(base + "core_id", std::to_string(core) + "\n");
    Put(base + "die_id", "-1\n");
    Put(base + "thread_siblings_list", siblings);
  }
  // Two sockets, a NUMA node each, two cores of two threads in each.
  void PutTwoSockets() {
    Put("/sys/devices/system/cpu/present", "0-7\n");
    Put("/sys/devices/system/cpu/online", "0-7\n");
    Put("/sys/devices/system/node/online", "0-1\n");
    const char* siblings[] = {"0,4", "1,5", "2,6", "3,7"};
    for (unsigned cpu = 0; cpu < 8; ++cpu) PutCpu(cpu, cpu % 4 / 2, cpu % 2, siblings[cpu % 4]);
    Put("/sys/devices/system/node/node0/cpulist", "0-1,4-5\n");
    Put("/sys/devices/system/node/node1/cpulist", "2-3,6-7\n");
    Put("/sys/devices/system/node/node0/distance", "10 21\n");
    Put("/sys/devices/system/node/node1/distance", "21 10\n");
    Put("/sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:  1000 kB\nNode 0 MemFree:  600 kB\n");
    Put("/sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:  9096 kB\nNode 1 MemFree:  800 kB\n");
    Put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2\n");
    Put("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "2\n");
    Put("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "1\n");
    Put("/proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2596.122\n");
    Put("/proc/meminfo", "MemTotal: 20000 kB\nMemFree: 5000 kB\nBuffers: 7 kB\nCached: 8 kB\nSwapCached: 9 kB\n");
  }

  std::string root_ = [] {
    char path[] = "/tmp/host-test-XXXXXX";
    return std::string(mkdtemp(path));
  }();
  KernelFiles files_;
};

TEST(CpuListTest, ParsesAndFormats) {
  EXPECT_EQ(ParseCpuList("0-2,5"), (std::vector<unsigned>{0, 1, 2, 5}));
  EXPECT_EQ(ParseCpuList(""), std::vector<unsigned>());
  EXPECT_EQ(ParseCpuList("x"), std::vector<unsigned>());
  EXPECT_EQ(ParseCpuList("3-1"), std::vector<unsigned>());
  EXPECT_EQ(FormatCpuList({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(FormatCpuList({}), "");
}

TEST_F(HostTest, NodeInfoCountsWhatOneOfEachHas) {
  PutTwoSockets();
  NodeInfo info = ReadNodeInfo(files_);
  EXPECT_EQ(info.cpus, 8u);
  EXPECT_EQ(info.mhz, 2596u);
  EXPECT_EQ(info.nodes, 2u);
  EXPECT_EQ(info.sockets, 1u);
  EXPECT_EQ(info.cores, 2u);
  EXPECT_EQ(info.threads, 2u);
  EXPECT_EQ(info.memory_kib, 10096u);
}

TEST_F(HostTest, AnUnevenTopologyIsToldAsFlat) {
  PutTwoSockets();
  Put("/sys/devices/system/cpu/online", "0-6\n");
  Put("/sys/devices/system/cpu/present", "0-8\n");
  NodeInfo info = ReadNodeInfo(files_);
  EXPECT_EQ(info.cpus, 7u);
  EXPECT_EQ(info.nodes * info.sockets * info.threads, 1u);
  EXPECT_EQ(info.cores, 9u);
}

TEST_F(HostTest, TopologyListsCells) {
  PutTwoSockets();
  Topology topology = ReadTopology(files_);
  ASSERT_EQ(topology.cells.size(), 2u);
  const Cell& second = topology.cells[1];
  EXPECT_EQ(second.memory_kib, 9096u);
  ASSERT_EQ(second.pages.size(), 2u);
  EXPECT_EQ(second.pages[0].count, (9096u - 4096u) / 4);
  EXPECT_EQ(second.pages[1].count, 2u);
  EXPECT_EQ(second.distances[0], (std::pair{0u, 21u}));
  ASSERT_EQ(second.cpus.size(), 4u);
  EXPECT_EQ(second.cpus[2].id, 6u);
  EXPECT_EQ(second.cpus[2].die, 0u);
  EXPECT_EQ(second.cpus[2].siblings, (std::vector<unsigned>{2, 6}));
}

TEST_F(HostTest, AHostWithoutNumaIsOneCell) {
  PutTwoSockets();
  Put("/sys/devices/system/node/online", "");
  Topology topology = ReadTopology(files_);
  ASSERT_EQ(topology.cells.size(), 1u);
  EXPECT_EQ(topology.cells[0].memory_kib, 20000u);
  EXPECT_EQ(topology.cells[0].cpus.size(), 8u);
  EXPECT_TRUE(topology.cells[0].distances.empty());
}

TEST_F(HostTest, MemoryOfHostAndCells) {
  PutTwoSockets();
  auto stats = MemoryStats(files_, -1);
  ASSERT_EQ(stats.size(), 4u);
  EXPECT_EQ(stats[3], (std::pair<std::string, std::uint64_t>("cached", 8)));
  EXPECT_EQ(MemoryStats(files_, 1)[1].second, 800u);
  EXPECT_THROW(MemoryStats(files_, 2), Error);
  EXPECT_EQ(FreeMemory(files_), 1400u * 1024);
  EXPECT_EQ(CellsFreeMemory(files_, 1, 5), (std::vector<std::uint64_t>{800 * 1024}));
  EXPECT_THROW(CellsFreeMemory(files_, 2, 1), Error);
}

TEST_F(HostTest, PagesOfCells) {
  PutTwoSockets();
  const unsigned sizes[] = {4, 2048};
  EXPECT_EQ(FreePages(files_, sizes, 1, 1), (std::vector<std::uint64_t>{200, 1}));
  const unsigned unknown[] = {7};
  EXPECT_THROW(FreePages(files_, unknown, 0, 1), Error);
  std::vector<std::pair<unsigned, std::uint64_t>> more{{2048, 3}};
  EXPECT_EQ(AllocatePages(files_, more, 1, 1, true), 1u);
  EXPECT_EQ(files_.ReadNumber("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"), 5u);
  EXPECT_EQ(AllocatePages(files_, more, 1, 1, false), 1u);
  EXPECT_EQ(files_.ReadNumber("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"), 3u);
  std::vector<std::pair<unsigned, std::uint64_t>> small{{4, 3}};
  EXPECT_THROW(AllocatePages(files_, small, 1, 1, true), Error);
}

TEST_F(HostTest, CpuTimesAreNanoseconds) {
  Put("/proc/stat", "cpu  10 20 30 40 50 60 70 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\ncpu10 9 9 9 9 9 9 9 0 0 0\n");
  auto all = CpuTimes(files_, -1);
  EXPECT_EQ(all[0], (std::pair<std::string, std::uint64_t>("kernel", 1600000000)));
  EXPECT_EQ(all[1].second, 300000000u);
  EXPECT_EQ(CpuTimes(files_, 0)[2].second, 40000000u);
  EXPECT_THROW(CpuTimes(files_, 1), Error);
}

TEST_F(HostTest, LargeCachesAreBanks) {
  Put("/sys/devices/system/cpu/online", "0-3\n");
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    const std::string base = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/";
    Put(base + "index2/level", "2\n");
    Put(base + "index3/level", "3\n");
    Put(base + "index3/id", cpu < 2 ? "1\n" : "0\n");
    Put(base + "index3/type", "Unified\n");
    Put(base + "index3/size", "32768K\n");
    Put(base + "index3/shared_cpu_list", cpu < 2 ? "0-1\n" : "2-3\n");
  }
  auto banks = ReadCacheBanks(files_);
  ASSERT_EQ(banks.size(), 2u);
  EXPECT_EQ(banks[0].id, 0u);
  EXPECT_EQ(banks[0].size_kib, 32768u);
  EXPECT_EQ(banks[0].type, "both");
  EXPECT_EQ(FormatCpuList(banks[0].cpus), "2-3");
}

TEST_F(HostTest, VendorsDummyUuidsAreNone) {
  EXPECT_FALSE(FirmwareUuid(files_));
  Put("/sys/devices/virtual/dmi/id/product_uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff\n");
  EXPECT_FALSE(FirmwareUuid(files_));
  Put("/sys/devices/virtual/dmi/id/product_uuid", "4c4c4544-0042-5410-8053-b4c04f4d5731\n");
  EXPECT_TRUE(FirmwareUuid(files_));
}

}  // namespace
}  // namespace bv::host
