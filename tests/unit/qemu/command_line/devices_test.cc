// Descriptions of single devices, as they are used at start and at hot-plug alike. The expected
// words are libvirt 9.0's for the same device.

#include <gtest/gtest.h>

#include "../recorded_caps.h"
#include "qemu/command_line/build.h"
#include "qemu/command_line/context.h"
#include "qemu/command_line/disk.h"
#include "qemu/command_line/net.h"
#include "qemu/command_line/memory.h"
#include "qemu/command_line/small_devices.h"

namespace bv::qemu {
namespace {

using namespace model;

class OneNodeHost : public HostQueries {
 public:
  bool NumaNodeExists(unsigned node) const override { return node == 0; }
  std::uint64_t PageSizeKib() const override { return 4; }
  std::vector<HugetlbfsMount> HugetlbfsMounts() const override { return {{"/dev/hugepages", 2048, true}}; }
};

class DevicesTest : public ::testing::Test {
 protected:
  DevicesTest() {
    def_.name = "guest";
    def_.os.arch = "x86_64";
    def_.os.machine = "pc-i440fx-7.2";
    auto root = std::make_unique<Controller>();
    root->type = ControllerType::kPci;
    root->model = ControllerModel::kPciRoot;
    root->index = 0;
    root->info.alias = "pci.0";
    def_.controllers.push_back(std::move(root));
    config_.dirs = QemuDirs::Make(true, "/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt");
    options_.host = &host_;
  }

  Context context() const { return {def_, *caps_, config_, options_, host_}; }

  static void PlaceOnPci(DeviceInfo* info, const char* alias, unsigned slot) {
    info->alias = alias;
    info->address.type = AddressType::kPci;
    info->address.pci.slot = slot;
  }

  DomainDef def_;
  QemuConfig config_;
  BuildOptions options_;
  OneNodeHost host_;
  std::shared_ptr<const QemuCaps> caps_ = RecordedCaps();
};

TEST_F(DevicesTest, VirtioDiskWithItsImage) {
  Disk disk;
  disk.bus = DiskBus::kVirtio;
  disk.dst = "vda";
  disk.driver.cache = DiskCache::kNone;
  disk.source.type = StorageType::kFile;
  disk.source.format = StorageFormat::kQcow2;
  disk.source.path = "/images/a,b";
  disk.source.id = 3;
  disk.info.boot_order = 1;
  PlaceOnPci(&disk.info, "virtio-disk0", 4);
  auto chain = DescribeChain(disk.source, BlockOptionsOf(disk), context());
  ASSERT_EQ(chain.size(), 1u);
  ASSERT_EQ(chain[0].nodes.size(), 2u);
  EXPECT_EQ(chain[0].nodes[0].Dump(),
            R"({"driver":"file","filename":"/images/a,b","node-name":"libvirt-3-storage","cache":{"direct":true,"no-flush":false},)"
            R"("auto-read-only":true,"discard":"unmap"})");
  EXPECT_EQ(chain[0].nodes[1].Dump(),
            R"({"node-name":"libvirt-3-format","read-only":false,"cache":{"direct":true,"no-flush":false},"driver":"qcow2",)"
            R"("file":"libvirt-3-storage"})");
  EXPECT_EQ(DescribeDisk(disk, context()).Dump(),
            R"({"driver":"virtio-blk-pci","bus":"pci.0","addr":"0x4","drive":"libvirt-3-format","id":"virtio-disk0","bootindex":1,)"
            R"("write-cache":"on"})");
}

TEST_F(DevicesTest, InterfaceWithInheritedDescriptors) {
  Interface net;
  net.type = InterfaceType::kBridge;
  net.model = "virtio";
  net.mac = MacAddress::Parse("52:54:00:00:00:01");
  net.driver.queues = 2;
  PlaceOnPci(&net.info, "net0", 3);
  options_.fds["net0"] = {.tap = {30, 31}, .vhost = {32, 33}};
  CommandLine line;
  EXPECT_EQ(DescribeNetdev(net, context(), &line).Dump(),
            R"({"type":"tap","fds":"30:31","vhost":true,"vhostfds":"32:33","id":"hostnet0"})");
  EXPECT_EQ(line.fds, (std::vector<int>{30, 31, 32, 33}));
  EXPECT_EQ(DescribeNetCard(net, context()).Dump(),
            R"({"driver":"virtio-net-pci","mq":true,"vectors":6,"netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01",)"
            R"("bus":"pci.0","addr":"0x3"})");
}

TEST_F(DevicesTest, MemoryOnHugepagesAndHostNodes) {
  def_.memory.backing.hugepages_given = true;
  NumaTuneMemory tune;
  tune.nodeset = Bitmap::Parse("0");
  def_.numatune.memory = tune;
  auto backend = DescribeMemoryBackend({.alias = "pc.ram", .size = 1024, .is_default_ram = true}, context());
  EXPECT_EQ(backend.object.Dump(),
            R"({"qom-type":"memory-backend-file","id":"pc.ram","mem-path":"/dev/hugepages/libvirt/qemu/-1-guest",)"
            R"("x-use-canonical-path-for-ramblock-id":false,"prealloc":true,"size":1048576,"host-nodes":[0],"policy":"bind",)"
            R"("prealloc-context":"tc-pc.ram"})");
  ASSERT_TRUE(backend.thread_context);
  EXPECT_EQ(backend.thread_context->Dump(), R"({"qom-type":"thread-context","id":"tc-pc.ram","node-affinity":[0]})");

  def_.numatune.memory->nodeset = Bitmap::Parse("1");
  EXPECT_THROW(DescribeMemoryBackend({.alias = "pc.ram", .size = 1024}, context()), Error);
}

TEST_F(DevicesTest, RngHasItsSourceFirst) {
  Rng rng;
  rng.path = "/dev/urandom";
  rng.rate_bytes = 1000;
  PlaceOnPci(&rng.info, "rng0", 5);
  auto parts = DescribeRng(rng, context());
  ASSERT_EQ(parts.objects.size(), 1u);
  EXPECT_EQ(parts.objects[0].Dump(), R"({"qom-type":"rng-random","id":"objrng0","filename":"/dev/urandom"})");
  EXPECT_EQ(parts.device->Dump(),
            R"({"driver":"virtio-rng-pci","rng":"objrng0","id":"rng0","max-bytes":1000,"period":1000,"bus":"pci.0","addr":"0x5"})");
}

}  // namespace
}  // namespace bv::qemu
