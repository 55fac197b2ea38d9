#include "cpu/x86_features.h"

#include <algorithm>

#include "base/error.h"

namespace bv::cpu::x86 {

using model::CpuDef;
using model::CpuFeature;
using model::CpuPolicy;

const Model& GetModel(std::string_view name) {
  if (const Model* model = FindModel(name)) return *model;
  throw Error(ErrorDomain::kCpu, ErrorCode::kInternalError, "Unknown CPU model " + std::string(name));
}

std::size_t GetFeature(std::string_view name) {
  if (auto index = FindFeature(name)) return *index;
  throw Error(ErrorDomain::kCpu, ErrorCode::kInternalError, "Unknown CPU feature " + std::string(name));
}

std::uint8_t GetVendor(std::string_view name) {
  if (auto vendor = FindVendor(name)) return *vendor;
  throw Error(ErrorDomain::kCpu, ErrorCode::kOperationFailed, "Unknown CPU vendor " + std::string(name));
}

FeatureSet Effective(const CpuDef& cpu) {
  FeatureSet set;
  if (!cpu.model.empty()) set = GetModel(cpu.model).features;
  for (const CpuFeature& feature : cpu.features) {
    switch (feature.policy) {
      case CpuPolicy::kAbsent:
      case CpuPolicy::kForce:
      case CpuPolicy::kRequire: set.Add(GetFeature(feature.name)); break;
      case CpuPolicy::kDisable:
      case CpuPolicy::kForbid: set.Remove(GetFeature(feature.name)); break;
      case CpuPolicy::kOptional: break;
    }
  }
  return set;
}

FeatureSet WithPolicy(const CpuDef& cpu, CpuPolicy policy) {
  FeatureSet set;
  if (policy == CpuPolicy::kRequire && !cpu.model.empty()) set = GetModel(cpu.model).features;
  for (const CpuFeature& feature : cpu.features) {
    CpuPolicy own = cpu.IsHost() || feature.policy == CpuPolicy::kAbsent ? CpuPolicy::kRequire : feature.policy;
    if (own == policy) set.Add(GetFeature(feature.name));
  }
  return set;
}

void AppendFeatures(CpuDef& cpu, const FeatureSet& set, CpuPolicy policy) {
  if (cpu.IsHost()) policy = CpuPolicy::kAbsent;
  cpu.features.reserve(cpu.features.size() + set.size());
  set.ForEach([&](std::size_t i) { cpu.features.push_back({std::string(Features()[i].Text()), policy}); });
}

void DisableRemoved(CpuDef& cpu, const Model& model) {
  for (std::uint8_t removed : model.removed()) {
    std::string_view name = Features()[removed].Text();
    if (!FindFeature(cpu, name)) cpu.features.push_back({std::string(name), CpuPolicy::kDisable});
  }
}

const CpuFeature* FindFeature(const CpuDef& cpu, std::string_view name) {
  auto found = std::find_if(cpu.features.begin(), cpu.features.end(), [&](auto& f) { return f.name == name; });
  return found == cpu.features.end() ? nullptr : &*found;
}

void SetFeature(CpuDef& cpu, std::string_view name, CpuPolicy policy) {
  if (cpu.IsHost()) policy = CpuPolicy::kAbsent;
  for (CpuFeature& feature : cpu.features) {
    if (feature.name != name) continue;
    feature.policy = policy;
    return;
  }
  cpu.features.push_back({std::string(name), policy});
}

std::string Join(const FeatureSet& set, std::string_view separator) {
  std::string text;
  set.ForEach([&](std::size_t i) {
    if (!text.empty()) text += separator;
    text += Features()[i].Text();
  });
  return text;
}

}  // namespace bv::cpu::x86
