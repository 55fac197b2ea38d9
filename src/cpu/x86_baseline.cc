#include <algorithm>

#include "base/error.h"
#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"

namespace bv::cpu::x86 {

using model::CpuDef;

namespace {

[[noreturn]] void Fail(const std::string& detail) { throw Error(ErrorDomain::kCpu, ErrorCode::kOperationFailed, detail); }

// The one vendor of all CPUs. The result names it only when every input did: a model implies one too.
class CommonVendor {
 public:
  void AddFirst(const CpuDef& cpu) {
    if (cpu.vendor.empty()) named_by_all_ = false;
    else vendor_ = GetVendor(cpu.vendor);
  }

  void Add(const CpuDef& cpu, std::uint8_t of_model) {
    std::string_view name = cpu.vendor;
    if (name.empty()) {
      named_by_all_ = false;
      name = VendorName(of_model);
    } else if (of_model != kNoVendor && name != VendorName(of_model)) {
      Fail("CPU vendor " + std::string(VendorName(of_model)) + " of model " + cpu.model + " differs from vendor " + cpu.vendor);
    }
    if (name.empty()) return;
    if (vendor_ == kNoVendor) vendor_ = GetVendor(name);
    else if (name != VendorName(vendor_)) Fail("CPU vendors do not match");
  }

  std::uint8_t vendor() const { return vendor_; }
  bool named_by_all() const { return named_by_all_; }

 private:
  std::uint8_t vendor_ = kNoVendor;
  bool named_by_all_ = true;
};

FeatureSet KnownFeatures(const std::vector<std::string>& names) {
  FeatureSet set;
  for (const std::string& name : names)
    if (auto index = x86::FindFeature(name)) set.Add(*index);
  return set;
}

}  // namespace

CpuDef Baseline(std::span<const CpuDef> cpus, const HypervisorModels* models, const std::vector<std::string>* known,
                bool only_migratable) {
  CpuData common;
  CommonVendor vendor;
  std::vector<std::string> names;
  for (const CpuDef& cpu : cpus) {
    FeatureSet features = Effective(cpu);
    if (&cpu == &cpus.front()) {
      common.features = features;
      vendor.AddFirst(cpu);
    } else {
      vendor.Add(cpu, cpu.model.empty() ? kNoVendor : GetModel(cpu.model).vendor);
      common.features = common.features & features;
    }
    if (!cpu.model.empty() && std::ranges::find(names, cpu.model) == names.end()) names.push_back(cpu.model);
  }
  if (known) common.features = common.features & KnownFeatures(*known);
  if (common.features.empty()) Fail("CPUs are incompatible");
  common.vendor = vendor.vendor();

  CpuDef result;
  result.type = model::CpuType::kGuest;
  Decode(result, common, {.models = models, .preferred = names, .only_migratable = only_migratable});
  if (names.size() == 1 && result.model == names[0]) result.fallback = model::CpuFallback::kForbid;
  if (!vendor.named_by_all()) result.vendor.clear();
  return result;
}

}  // namespace bv::cpu::x86
