#include "qemu/cpu_features.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "base/arch.h"

namespace bv::qemu {
namespace {

struct Spellings {
  std::string_view libvirt, qemu;
};
constexpr Spellings kX86[] = {
    {"cmp_legacy", "cmp-legacy"},       {"ds_cpl", "ds-cpl"},           {"fxsr_opt", "fxsr-opt"},
    {"kvm_pv_eoi", "kvm-pv-eoi"},       {"kvm_pv_unhalt", "kvm-pv-unhalt"}, {"lahf_lm", "lahf-lm"},
    {"nodeid_msr", "nodeid-msr"},       {"pclmuldq", "pclmulqdq"},      {"perfctr_core", "perfctr-core"},
    {"perfctr_nb", "perfctr-nb"},       {"tsc_adjust", "tsc-adjust"},
};

constexpr std::string_view kNeverTaken[] = {"cmt", "mbm_total", "mbm_local", "osxsave", "ospke"};
constexpr std::string_view kDropped[] = {"cvt16", "pconfig"};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string_view FeatureToQemu(std::string_view arch, std::string_view name) {
  if (!IsX86(arch)) return name;
  auto found = std::ranges::find(kX86, name, &Spellings::libvirt);
  return found == std::end(kX86) ? name : found->qemu;
}

std::string_view FeatureFromQemu(std::string_view arch, std::string_view name) {
  if (!IsX86(arch)) return name;
  auto found = std::ranges::find(kX86, name, &Spellings::qemu);
  return found == std::end(kX86) ? name : found->libvirt;
}

bool QemuTakesFeature(std::string_view arch, const model::CpuFeature& feature) {
  if (!IsX86(arch)) return true;
  if (Contains(kNeverTaken, feature.name)) return false;
  bool unwanted = feature.policy == model::CpuPolicy::kDisable || feature.policy == model::CpuPolicy::kForbid;
  return !(unwanted && Contains(kDropped, feature.name));
}

}  // namespace bv::qemu
