#pragma once

#include <span>
#include <string>

#include "cpu/hypervisor.h"
#include "cpu/x86_map.h"
#include "model/cpu.h"

// From the bits of a processor to the name of a model and the features that differ from it.
namespace bv::cpu::x86 {

// What CPUID and the MSRs say, as far as the map knows their bits.
struct CpuData {
  FeatureSet features;
  std::uint8_t vendor = kNoVendor;
  unsigned family = 0, model = 0, stepping = 0;
};

struct DecodeOptions {
  // Only these models may be chosen, and what blocks one is listed as disabled. Null: any.
  const HypervisorModels* models = nullptr;
  // One name: this model if it is usable at all. More: they win when fewer features must be disabled.
  std::span<const std::string> preferred;
  bool only_migratable = false;  // leaves out features that keep a guest from being migrated
};

// Sets model, vendor, signature and features of `cpu`, whose type says for whom: a host's model may not
// have features that the data lack, a guest's gets them disabled. Throws kInternalError when no model
// fits and kConfigUnsupported when the only preferred one is not among options.models and cpu.fallback
// forbids another.
void Decode(model::CpuDef& cpu, const CpuData& data, const DecodeOptions& options = {});

}  // namespace bv::cpu::x86
