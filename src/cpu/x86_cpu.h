#pragma once

#include <span>
#include <string>
#include <vector>

#include "cpu/compare.h"
#include "cpu/hypervisor.h"
#include "cpu/x86_decode.h"
#include "model/cpu.h"

// What can be done with x86 CPU definitions. Called through cpu/cpu.h, which picks the architecture;
// errors are those of libvirt's calls, domain kCpu.
namespace bv::cpu::x86 {

Comparison Compare(const model::CpuDef& host, const model::CpuDef& cpu);

// The best CPU that all of `cpus` can run. `known` limits it to features of these names (those that the
// hypervisor knows), models to those of the hypervisor; null for no limit.
model::CpuDef Baseline(std::span<const model::CpuDef> cpus, const HypervisorModels* models,
                       const std::vector<std::string>* known, bool only_migratable);

// Lists every feature that the CPU has, its model's own too.
void ExpandFeatures(model::CpuDef& cpu);

// Makes a guest CPU independent of the host it was written for: optional features become required or
// disabled, host-model and match='minimum' get the host's model. `relative` says that this needs `host`.
void Update(model::CpuDef& guest, const model::CpuDef* host, bool relative);

// Brings a started guest's CPU in line with what the hypervisor really enabled and disabled; with
// check='full' any difference is an error.
void UpdateLive(model::CpuDef& cpu, const FeatureSet& enabled, const FeatureSet& disabled);

// Replaces a model that is not among `models` by the nearest that is.
void Translate(model::CpuDef& cpu, const HypervisorModels& models);

// The same CPU without the features that cannot be migrated.
model::CpuDef CopyMigratable(const model::CpuDef& cpu);

// Does a guest with this CPU have the feature? Unknown names are kInternalError; the hypervisor's
// pseudo features (kvm_pv_unhalt, hv-*) are known and never part of a CPU.
bool HasFeature(const model::CpuDef& cpu, std::string_view name);

// kConfigUnsupported when a name is not in the map.
void ValidateFeatures(const model::CpuDef& cpu);

}  // namespace bv::cpu::x86
