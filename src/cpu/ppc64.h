#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cpu/compare.h"
#include "model/cpu.h"

// POWER: a processor is its version register (PVR), there are no features.
namespace bv::cpu::ppc64 {

std::vector<std::string_view> ModelNames();
std::string_view VendorOfModel(std::string_view name);

Comparison Compare(const model::CpuDef& host, const model::CpuDef& cpu);
model::CpuDef Baseline(std::span<const model::CpuDef> cpus);
void ConvertLegacy(model::CpuDef& cpu);

}  // namespace bv::cpu::ppc64
