#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cpu/x86_map.h"
#include "model/cpu.h"

// Between a CPU definition (a model's name and a list of features with policies) and sets of features.
// Names that the map lacks are kInternalError of kCpu, as with libvirt.
namespace bv::cpu::x86 {

const Model& GetModel(std::string_view name);
std::size_t GetFeature(std::string_view name);
// By vendor name; kOperationFailed "Unknown CPU vendor NAME".
std::uint8_t GetVendor(std::string_view name);

// What a guest with this CPU sees: the model's features and those required or forced, without those
// disabled or forbidden. Optional ones are left out.
FeatureSet Effective(const model::CpuDef& cpu);

// The features that have this policy; with kRequire the model's own as well. A host CPU's features are
// all required.
FeatureSet WithPolicy(const model::CpuDef& cpu, model::CpuPolicy policy);

// Lists `set` at the end of cpu.features in the map's order; host CPUs get no policy.
void AppendFeatures(model::CpuDef& cpu, const FeatureSet& set, model::CpuPolicy policy);
// Mentions the features that were removed from the model as disabled, unless they are mentioned already.
void DisableRemoved(model::CpuDef& cpu, const Model& model);

// Changes the policy of a feature, adding it if it is not there.
void SetFeature(model::CpuDef& cpu, std::string_view name, model::CpuPolicy policy);
const model::CpuFeature* FindFeature(const model::CpuDef& cpu, std::string_view name);

// "a, b, c" in the map's order.
std::string Join(const FeatureSet& set, std::string_view separator);

}  // namespace bv::cpu::x86
