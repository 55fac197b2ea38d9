// The capabilities text and what is looked up in it.
#include "qemu/capabilities.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"

namespace bv::qemu {
namespace {

constexpr char kText[] =
    "busyvirt-qemu-capabilities 1\n"
    "emulator\t/usr/bin/qemu-system-x86_64\n"
    "version\t7002022\n"
    "package\tDebian 1:7.2\n"
    "arch\tx86_64\n"
    "flags\tkvm tcg qxl unheard-of\n"
    "types\tVGA qxl virtio-blk-pci\n"
    "commands\tquery-kvm cont query-status\n"
    "properties\tvirtio-blk-pci\tscsi queue-size iothread\n"
    "machine\tpc-q35-7.2\t288\th\tq35\tqemu64-x86_64-cpu\tpc.ram\n"
    "machine\tpc-i440fx-7.2\t255\th*\tpc\tqemu64-x86_64-cpu\tpc.ram\n"
    "machine\tpc-i440fx-1.4\t255\thdn\t\tqemu64-x86_64-cpu\tpc.ram\n"
    "machine\tx-remote\t1\n"
    "accelerator\tkvm\n"
    "cpu\tkvm\tEPYC\tEPYC-x86_64-cpu\tn\tnpt svm\n"
    "cpu\tkvm\tqemu64\tqemu64-x86_64-cpu\tyd\n"
    "host-cpu\tkvm\tinvtsc\tb!\ttrue\n"
    "host-cpu\tkvm\tmin-level\tn\t13\n"
    "hyperv\tspinlocks vendor_id\n"
    "end\n";

TEST(QemuCapsTest, AnswersWhatTheTextSays) {
  auto caps = QemuCaps::Parse(kText);
  EXPECT_EQ(caps->binary(), "/usr/bin/qemu-system-x86_64");
  EXPECT_EQ(caps->version(), 7002022u);
  EXPECT_EQ(caps->package(), "Debian 1:7.2");
  EXPECT_TRUE(caps->Has(QemuCap::kKvm));
  EXPECT_FALSE(caps->Has(QemuCap::kVga));
  EXPECT_EQ(caps->FlagNames(), (std::vector<std::string_view>{"kvm", "qxl", "tcg"}));
  EXPECT_TRUE(caps->HasDevice("qxl"));
  EXPECT_FALSE(caps->HasDevice("qx"));
  EXPECT_TRUE(caps->HasProperty("virtio-blk-pci", "iothread"));
  EXPECT_FALSE(caps->HasProperty("virtio-blk-pci", "queue"));
  EXPECT_FALSE(caps->HasProperty("VGA", "edid"));
  EXPECT_TRUE(caps->HasCommand("cont"));
  EXPECT_FALSE(caps->HasCommand("status"));
  EXPECT_EQ(caps->hyperv_features().size(), 2u);
  EXPECT_EQ(caps->sev(), nullptr);
}

TEST(QemuCapsTest, MachinesHaveAliases) {
  auto caps = QemuCaps::Parse(kText);
  EXPECT_EQ(caps->CanonicalMachine("q35"), "pc-q35-7.2");
  EXPECT_EQ(caps->CanonicalMachine("other"), "other");
  EXPECT_EQ(caps->FindMachine("")  , nullptr);
  EXPECT_EQ(caps->DefaultMachine()->alias, "pc");
  const MachineType* old = caps->FindMachine("pc-i440fx-1.4");
  ASSERT_NE(old, nullptr);
  EXPECT_TRUE(old->deprecated && old->numa_mem_supported && old->hotpluggable_cpus);
  EXPECT_EQ(old->default_ram_id, "pc.ram");
  EXPECT_EQ(caps->FindMachine("x-remote")->max_cpus, 1u);
}

TEST(QemuCapsTest, CpuDataIsKeptByAccelerator) {
  auto caps = QemuCaps::Parse(kText);
  EXPECT_TRUE(caps->HasCpuData(Accelerator::kKvm));
  EXPECT_FALSE(caps->HasCpuData(Accelerator::kTcg));
  const QemuCpuModel* epyc = caps->FindCpuModel(Accelerator::kKvm, "EPYC");
  ASSERT_NE(epyc, nullptr);
  EXPECT_EQ(epyc->usable, QemuCpuModel::Usable::kNo);
  EXPECT_EQ(epyc->blockers, (std::vector<std::string_view>{"npt", "svm"}));
  EXPECT_TRUE(caps->FindCpuModel(Accelerator::kKvm, "qemu64")->deprecated);
  EXPECT_EQ(caps->FindCpuModel(Accelerator::kTcg, "EPYC"), nullptr);
  ASSERT_EQ(caps->host_cpu(Accelerator::kKvm).size(), 2u);
  EXPECT_TRUE(caps->host_cpu(Accelerator::kKvm)[0].is_true());
  EXPECT_FALSE(caps->host_cpu(Accelerator::kKvm)[0].migratable);
  EXPECT_EQ(caps->host_cpu(Accelerator::kKvm)[1].kind, CpuProperty::Kind::kNumber);
}

TEST(QemuCapsTest, ACutOffTextIsRefused) {
  std::string text = kText;
  EXPECT_THROW(QemuCaps::Parse(text.substr(0, text.size() - 4)), Error);
  EXPECT_THROW(QemuCaps::Parse(""), Error);
  EXPECT_THROW(QemuCaps::Parse("busyvirt-qemu-capabilities 2\nend\n"), Error);
}

TEST(QemuCapTest, NamesAreUniqueAndFindTheirFlag) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    std::string_view name = QemuCapRules()[i].name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(FindQemuCap(name), static_cast<QemuCap>(i));
  }
  EXPECT_FALSE(FindQemuCap("unheard-of"));
}

}  // namespace
}  // namespace bv::qemu
