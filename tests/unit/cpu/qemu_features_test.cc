// QEMU's spelling of features, and which never reach it.
#include "qemu/cpu_features.h"

#include <gtest/gtest.h>

#include "qemu/cpu_models.h"

namespace bv::qemu {
namespace {

using model::CpuPolicy;

TEST(CpuFeatures, Spelling) {
  EXPECT_EQ(FeatureToQemu("x86_64", "pclmuldq"), "pclmulqdq");
  EXPECT_EQ(FeatureToQemu("x86_64", "sse4.2"), "sse4.2");
  EXPECT_EQ(FeatureFromQemu("i686", "lahf-lm"), "lahf_lm");
  EXPECT_EQ(FeatureToQemu("s390x", "tsc_adjust"), "tsc_adjust");
}

TEST(CpuFeatures, LeftOut) {
  EXPECT_FALSE(QemuTakesFeature("x86_64", {"osxsave", CpuPolicy::kRequire}));
  EXPECT_FALSE(QemuTakesFeature("x86_64", {"pconfig", CpuPolicy::kDisable}));
  EXPECT_TRUE(QemuTakesFeature("x86_64", {"pconfig", CpuPolicy::kRequire}));
}

std::shared_ptr<const QemuCaps> Caps(std::string flags) {
  return QemuCaps::Parse("busyvirt-qemu-capabilities 1\narch\tx86_64\nflags\t" + flags + "\nend\n");
}

TEST(CpuArgument, ModelVendorFeatures) {
  auto caps = Caps("cpu.migratable");
  model::CpuDef cpu;
  cpu.model = "EPYC";
  cpu.vendor_id = "KVMKVMKVMKVM";
  cpu.features = {{"tsc_adjust", CpuPolicy::kForce}, {"cmt", CpuPolicy::kRequire}, {"monitor", CpuPolicy::kForbid}};
  EXPECT_EQ(CpuModelArgument(cpu, *caps), "EPYC,vendor=KVMKVMKVMKVM,tsc-adjust=on,monitor=off");
  cpu = {};
  cpu.mode = model::CpuMode::kHostPassthrough;
  cpu.migratable = model::OnOff::kOff;
  EXPECT_EQ(CpuModelArgument(cpu, *caps), "host,migratable=off");
  EXPECT_EQ(CpuModelArgument(cpu, *Caps("")), "host");
  cpu.cache = model::CpuCache{.level = {}, .mode = model::CpuCacheMode::kPassthrough};
  cpu.max_phys_addr = model::MaxPhysAddr{.mode = model::MaxPhysAddrMode::kPassthrough, .bits = {}};
  EXPECT_EQ(CpuCacheArgument(cpu), ",host-cache-info=on,l3-cache=off,host-phys-bits=on");
}

}  // namespace
}  // namespace bv::qemu
