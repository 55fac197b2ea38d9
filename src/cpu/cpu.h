#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cpu/compare.h"
#include "cpu/hypervisor.h"
#include "model/cpu.h"

// What can be asked of CPU definitions, for every architecture that has CPU models. `arch` is libvirt's
// name of one; errors are libvirt's, domain kCpu. An architecture without CPU models is kNoSupport
// everywhere.
namespace bv::cpu {

// Can the host run `cpu`? `host` null: its CPU is not known.
Comparison Compare(std::string_view arch, const model::CpuDef* host, const model::CpuDef& cpu);
// The same, throwing kCpuIncompatible instead of answering that it cannot.
CompareResult CompareOrThrow(std::string_view arch, const model::CpuDef* host, const model::CpuDef& cpu);

struct BaselineOptions {
  const HypervisorModels* models = nullptr;         // only these models
  const std::vector<std::string>* known = nullptr;  // only these features
  bool only_migratable = false;
};
// The best CPU that all of them can run. `arch` may be empty: the first one's.
model::CpuDef Baseline(std::string_view arch, std::span<const model::CpuDef> cpus, const BaselineOptions& options = {});

// Lists the model's own features too, sorted by name.
void ExpandFeatures(std::string_view arch, model::CpuDef& cpu);

// Makes a guest's CPU definition independent of the host: host-model, match='minimum' and optional
// features are resolved. No change for host-passthrough and maximum.
void Update(std::string_view arch, model::CpuDef& guest, const model::CpuDef* host);

// Replaces a model that is not among `models`, if the guest's fallback allows it.
void Translate(std::string_view arch, model::CpuDef& cpu, const HypervisorModels& models);

// Old names of models ("POWER7_v2.1") become the ones in use.
void ConvertLegacy(std::string_view arch, model::CpuDef& cpu);

// kCpuIncompatible when the host lists a feature that the guest forbids. Those of the host's model itself
// pass, as with libvirt: Compare() is what looks at everything.
void CheckForbidden(std::string_view arch, const model::CpuDef& guest, const model::CpuDef& host);

model::CpuDef CopyMigratable(std::string_view arch, const model::CpuDef& cpu);

// kConfigUnsupported for a feature that the architecture does not have.
void ValidateFeatures(std::string_view arch, const model::CpuDef& cpu);

// The models that definitions may name; empty where any name is accepted.
std::vector<std::string_view> ModelNames(std::string_view arch);
// The vendor of a model's processors, "" when it has none or is not known.
std::string_view VendorOfModel(std::string_view arch, std::string_view name);

}  // namespace bv::cpu
