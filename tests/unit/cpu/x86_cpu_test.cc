// What baseline, compare, update and translate answer for x86 definitions. The expected results are those
// of libvirt 9.0 for the same input.
#include "cpu/cpu.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "cpu/cpuid.h"
#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"

namespace bv::cpu {
namespace {

using model::CpuDef;
using model::CpuPolicy;

CpuDef Host(std::string model, std::string vendor, std::vector<std::string> features = {}) {
  CpuDef cpu;
  cpu.type = model::CpuType::kHost;
  cpu.arch = "x86_64";
  cpu.model = std::move(model);
  cpu.vendor = std::move(vendor);
  for (auto& name : features) cpu.features.push_back({name, CpuPolicy::kAbsent});
  return cpu;
}

CpuDef Guest(std::string model, std::vector<model::CpuFeature> features = {}) {
  CpuDef cpu;
  cpu.type = model::CpuType::kGuest;
  cpu.model = std::move(model);
  cpu.features = std::move(features);
  return cpu;
}

// "Model +required -disabled ..."
std::string Describe(const CpuDef& cpu) {
  std::string text = cpu.model;
  for (auto& f : cpu.features) text += (f.policy == CpuPolicy::kDisable ? " -" : " +") + f.name;
  return text;
}

std::string ErrorOf(auto call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.domain, ErrorDomain::kCpu);
    return error.what();
  }
  return "no error";
}

TEST(Baseline, OneCpuStaysItself) {
  std::vector cpus = {Host("Westmere", "Intel", {"vme", "pclmuldq"})};
  CpuDef result = Baseline("", cpus);
  EXPECT_EQ(Describe(result), "Westmere +vme +pclmuldq");
  EXPECT_EQ(result.vendor, "Intel");
  EXPECT_EQ(result.fallback, model::CpuFallback::kForbid);
}

TEST(Baseline, TakesWhatAllHave) {
  std::vector cpus = {Host("Haswell-noTSX", "Intel", {"vme"}), Host("SandyBridge", "Intel", {"vme"})};
  EXPECT_EQ(Describe(Baseline("", cpus)), "SandyBridge +vme");
  cpus[1].vendor.clear();
  EXPECT_EQ(Baseline("", cpus).vendor, "");  // named only by all together
}

TEST(Baseline, RefusesWhatDoesNotFit) {
  std::vector cpus = {Host("Penryn", "Intel"), Host("Opteron_G3", "AMD")};
  EXPECT_EQ(ErrorOf([&] { Baseline("", cpus); }), "operation failed: CPU vendors do not match");
  cpus[1] = Host("Opteron_G3", "Intel");
  EXPECT_EQ(ErrorOf([&] { Baseline("", cpus); }), "operation failed: CPU vendor AMD of model Opteron_G3 differs from vendor Intel");
  cpus = {Host("Penryn", "Nobody")};
  EXPECT_EQ(ErrorOf([&] { Baseline("", cpus); }), "operation failed: Unknown CPU vendor Nobody");
  cpus = {Host("Pentium-of-2040", "")};
  EXPECT_EQ(ErrorOf([&] { Baseline("", cpus); }), "internal error: Unknown CPU model Pentium-of-2040");
  cpus[0].arch = "ia64";
  EXPECT_EQ(ErrorOf([&] { Baseline("", cpus); }),
            "this function is not supported by the connection driver: 'ia64' architecture is not supported by CPU driver");
}

TEST(Baseline, MigratableLeavesOut) {
  std::vector cpus = {Host("Westmere", "Intel", {"vme", "invtsc"})};
  EXPECT_EQ(Describe(Baseline("", cpus, {.only_migratable = true})), "Westmere +vme");
}

TEST(Expand, ListsAllByName) {
  CpuDef cpu = Guest("486", {{"sse", CpuPolicy::kRequire}, {"vme", CpuPolicy::kDisable}});
  ExpandFeatures("x86_64", cpu);
  EXPECT_EQ(Describe(cpu), "486 +fpu +pse +sse -vme");
  CpuDef epyc = Guest("EPYC");
  ExpandFeatures("x86_64", epyc);
  EXPECT_EQ(x86::FindFeature(epyc, "monitor")->policy, CpuPolicy::kDisable);
}

TEST(Compare, Verdicts) {
  CpuDef host = Host("Westmere", "Intel", {"vme"});
  EXPECT_EQ(Compare("x86_64", &host, Guest("Nehalem")).result, CompareResult::kSuperset);
  EXPECT_EQ(Compare("x86_64", &host, Guest("Westmere", {{"vme", CpuPolicy::kOptional}})).result, CompareResult::kIdentical);
  EXPECT_EQ(Compare("x86_64", &host, Guest("Haswell-noTSX")).reason,
            "Host CPU does not provide required features: pclmuldq, fma, pcid, x2apic, movbe, tsc-deadline, xsave, avx, "
            "fsgsbase, bmi1, avx2, smep, bmi2, erms, invpcid, rdtscp");
  EXPECT_EQ(Compare("x86_64", &host, Guest("Nehalem", {{"vme", CpuPolicy::kForbid}})).reason,
            "Host CPU provides forbidden features: vme");
  CpuDef strict = Guest("Westmere");
  strict.match = model::CpuMatch::kStrict;
  EXPECT_EQ(Compare("x86_64", &host, strict).reason, "Host CPU does not strictly match guest CPU: Extra features: vme");
  EXPECT_EQ(Compare("x86_64", &host, Host("Opteron_G1", "AMD")).reason,
            "host CPU vendor does not match required CPU vendor AMD");
  EXPECT_EQ(ErrorOf([&] { CompareOrThrow("x86_64", &host, strict); }),
            "the CPU is incompatible with host CPU: Host CPU does not strictly match guest CPU: Extra features: vme");
}

TEST(Update, OptionalAndRemoved) {
  CpuDef host = Guest("Westmere", {{"vme", CpuPolicy::kRequire}});
  CpuDef guest = Guest("EPYC", {{"vme", CpuPolicy::kOptional}, {"avx2", CpuPolicy::kOptional}});
  Update("x86_64", guest, &host);
  EXPECT_EQ(Describe(guest), "EPYC +vme -avx2 -monitor");
}

TEST(Update, HostModelTakesTheHost) {
  CpuDef host = Guest("Westmere", {{"vme", CpuPolicy::kRequire}});
  host.vendor = "Intel";
  CpuDef guest = Guest("", {{"vme", CpuPolicy::kDisable}, {"svm", CpuPolicy::kRequire}});
  guest.mode = model::CpuMode::kHostModel;
  Update("x86_64", guest, &host);
  EXPECT_EQ(Describe(guest), "Westmere -vme +svm");
  EXPECT_EQ(guest.mode, model::CpuMode::kCustom);
  EXPECT_EQ(guest.vendor, "Intel");
}

TEST(UpdateLive, FullCheckNamesDifferences) {
  CpuDef guest = Guest("486");
  FeatureSet enabled = x86::GetModel("486").features;
  enabled.Add(x86::GetFeature("sse"));
  enabled.Remove(x86::GetFeature("vme"));
  CpuDef live = guest;
  x86::UpdateLive(live, enabled, {});
  EXPECT_EQ(Describe(live), "486 -vme +sse");
  guest.check = model::CpuCheck::kFull;
  EXPECT_EQ(ErrorOf([&] { x86::UpdateLive(guest, enabled, {}); }),
            "operation failed: guest CPU doesn't match specification: extra features: sse, missing features: vme");
}

// A QEMU whose models are those of 7.2 that matter here.
TEST(Translate, ChoosesTheNearestModel) {
  HypervisorModels models = {{"qemu32", {}}, {"kvm64", {}}, {"Westmere", {}}, {"IvyBridge", {}}};
  CpuDef rhel = Guest("cpu64-rhel6");
  Translate("x86_64", rhel, models);
  EXPECT_EQ(Describe(rhel), "kvm64 +lahf_lm");
  CpuDef old = Guest("pentiumpro");
  Translate("x86_64", old, models);
  EXPECT_EQ(Describe(old), "qemu32 -pni");
  CpuDef fixed = Guest("pentiumpro");
  fixed.fallback = model::CpuFallback::kForbid;
  EXPECT_EQ(ErrorOf([&] { Translate("x86_64", fixed, models); }),
            "unsupported configuration: CPU model pentiumpro is not supported by hypervisor");
}

TEST(Decode, MentionsBlockers) {
  HypervisorModels models = {{"Westmere", {"aes", "no-such-feature"}}};
  x86::CpuData data;
  data.features = x86::GetModel("Nehalem").features;
  data.features.Add(x86::GetFeature("vme"));
  CpuDef cpu = Guest("");
  x86::Decode(cpu, data, {.models = &models, .preferred = {}});
  EXPECT_EQ(Describe(cpu), "Westmere +vme -aes");
}

TEST(Cpuid, ReadsOnlyWhatExists) {
  x86::Processor processor;
  processor.cpuid = [](std::uint32_t function, std::uint32_t subleaf) -> x86::Registers {
    switch (function) {
      case 0: return {7, 0x756e6547, 0x6c65746e, 0x49656e69};  // GenuineIntel
      case 1: return {0x000206c2, 0, 1, 1};                     // 6, 44, 2; pni; fpu
      case 6: return {};
      case 7: return subleaf == 0 ? x86::Registers{0, 8, 0, 1u << 29} : x86::Registers{~0u, ~0u, ~0u, ~0u};
      case 0x80000000: return {0x80000001, 0, 0, 0};
      case 0x80000001: return {0, 0, 1, 0};
      default: return {~0u, ~0u, ~0u, ~0u};
    }
  };
  processor.msr = [](std::uint32_t number) -> std::optional<std::uint64_t> { return number == 0x10a ? 1 : 0; };
  x86::CpuData data = x86::Read(processor);
  EXPECT_EQ(x86::VendorName(data.vendor), "Intel");
  EXPECT_EQ(data.family, 6u);
  EXPECT_EQ(data.model, 44u);
  EXPECT_EQ(data.stepping, 2u);
  EXPECT_EQ(x86::Join(data.features, " "), "fpu pni bmi1 arch-capabilities lahf_lm rdctl-no");
}

TEST(ModelNames, ByArchitecture) {
  EXPECT_EQ(ModelNames("i686").size(), 58u);
  EXPECT_EQ(ModelNames("ppc64le").front(), "POWER6");
  EXPECT_TRUE(ModelNames("aarch64").empty());
  EXPECT_EQ(VendorOfModel("x86_64", "EPYC"), "AMD");
  EXPECT_EQ(VendorOfModel("x86_64", "qemu64"), "");
}

}  // namespace
}  // namespace bv::cpu
