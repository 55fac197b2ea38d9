#include "cpu/ppc64.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace bv::cpu::ppc64 {
namespace {

using model::CpuDef;

struct Model {
  std::string_view name, vendor;
  // The upper half of the version registers of its processors; 0 where there are fewer.
  std::array<std::uint16_t, 3> pvr;
};

// In the order that cpu-models lists them in.
constexpr Model kModels[] = {
    {"POWER6", "IBM", {0x003e}},
    {"POWER7", "IBM", {0x003f, 0x004a}},
    {"POWER8", "IBM", {0x004b, 0x004c, 0x004d}},
    {"POWER9", "IBM", {0x004e}},
    {"POWER10", "IBM", {0x0080}},
    {"POWERPC_e5500", "Freescale", {0x8024}},
    {"POWERPC_e6500", "Freescale", {0x8040}},
};

const Model* Find(std::string_view name) {
  auto found = std::ranges::find(kModels, name, &Model::name);
  return found == std::end(kModels) ? nullptr : found;
}

const Model& Get(std::string_view name) {
  if (const Model* model = Find(name)) return *model;
  throw Error(ErrorDomain::kCpu, ErrorCode::kInternalError, "Unknown CPU model " + std::string(name));
}

[[noreturn]] void Fail(const std::string& detail) { throw Error(ErrorDomain::kCpu, ErrorCode::kOperationFailed, detail); }

void CheckVendor(const CpuDef& cpu, const Model& model) {
  if (cpu.vendor.empty()) return;
  if (std::ranges::find(kModels, cpu.vendor, &Model::vendor) == std::end(kModels)) Fail("Unknown CPU vendor " + cpu.vendor);
  if (cpu.vendor != model.vendor)
    Fail("CPU vendor " + std::string(model.vendor) + " of model " + cpu.model + " differs from vendor " + cpu.vendor);
}

}  // namespace

std::vector<std::string_view> ModelNames() {
  std::vector<std::string_view> names;
  for (const Model& model : kModels) names.push_back(model.name);
  return names;
}

std::string_view VendorOfModel(std::string_view name) {
  const Model* model = Find(name);
  return model ? model->vendor : std::string_view();
}

Comparison Compare(const CpuDef& host, const CpuDef& given) {
  CpuDef cpu = given;
  ConvertLegacy(cpu);
  if (!cpu.arch.empty() && cpu.arch != "ppc64" && cpu.arch != "ppc64le")
    return {CompareResult::kIncompatible, "CPU arch " + cpu.arch + " does not match host arch"};
  if (!cpu.vendor.empty() && cpu.vendor != host.vendor)
    return {CompareResult::kIncompatible, "host CPU vendor does not match required CPU vendor " + cpu.vendor};
  // A guest of the host's own kind (host-model, perhaps as an older one) names no model that could differ.
  if (!cpu.IsHost() && cpu.mode != model::CpuMode::kCustom) return {CompareResult::kIdentical, {}};
  if (&Get(host.model) == &Get(cpu.model)) return {CompareResult::kIdentical, {}};
  return {CompareResult::kIncompatible, "host CPU model does not match required CPU model " + cpu.model};
}

CpuDef Baseline(std::span<const CpuDef> cpus) {
  const Model& common = Get(cpus.front().model);
  for (const CpuDef& cpu : cpus) {
    if (&Get(cpu.model) != &common) Fail("CPUs are incompatible");
    CheckVendor(cpu, common);
  }
  CpuDef result;
  result.type = model::CpuType::kGuest;
  result.model = common.name;
  result.fallback = model::CpuFallback::kForbid;
  return result;
}

void ConvertLegacy(CpuDef& cpu) {
  // Revisions were models of their own once: POWER7_v2.1, POWER7+_v2.1, POWER8E_v1.0, POWER8_v1.0.
  std::string_view name = cpu.model;
  if (name == "POWER7_v2.1" || name == "POWER7_v2.3" || name == "POWER7+_v2.1") cpu.model = "POWER7";
  else if (name == "POWER8_v1.0" || name == "POWER8E_v1.0" || name == "POWER8E") cpu.model = "POWER8";
}

}  // namespace bv::cpu::ppc64
