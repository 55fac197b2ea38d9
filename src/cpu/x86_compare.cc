#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"

namespace bv::cpu::x86 {

using model::CpuDef;
using model::CpuPolicy;

namespace {

Comparison Incompatible(std::string reason) { return {CompareResult::kIncompatible, std::move(reason)}; }

}  // namespace

Comparison Compare(const CpuDef& host, const CpuDef& cpu) {
  if (!cpu.arch.empty() && cpu.arch != "i686" && cpu.arch != "x86_64")
    return Incompatible("CPU arch " + cpu.arch + " does not match host arch");
  if (!cpu.vendor.empty() && cpu.vendor != host.vendor)
    return Incompatible("host CPU vendor does not match required CPU vendor " + cpu.vendor);

  FeatureSet available = Effective(host);
  FeatureSet forced = WithPolicy(cpu, CpuPolicy::kForce);
  FeatureSet required = WithPolicy(cpu, CpuPolicy::kRequire);
  FeatureSet optional = WithPolicy(cpu, CpuPolicy::kOptional);
  FeatureSet disabled = WithPolicy(cpu, CpuPolicy::kDisable);

  FeatureSet forbidden = WithPolicy(cpu, CpuPolicy::kForbid) & available;
  if (!forbidden.empty()) return Incompatible("Host CPU provides forbidden features: " + Join(forbidden, ", "));

  // A policy of its own takes a feature out of those that the model asks for.
  required = required - forced - optional - disabled;
  FeatureSet lacking = required - available;
  if (!lacking.empty()) return Incompatible("Host CPU does not provide required features: " + Join(lacking, ", "));

  FeatureSet extra = available - optional - required - disabled - forced;
  if (extra.empty()) return {CompareResult::kIdentical, {}};
  if (!cpu.IsHost() && cpu.match == model::CpuMatch::kStrict)
    return Incompatible("Host CPU does not strictly match guest CPU: Extra features: " + Join(extra, ", "));
  return {CompareResult::kSuperset, {}};
}

}  // namespace bv::cpu::x86
