#include "qemu/cpu_queries.h"

#include <fmt/format.h>

#include "base/arch.h"
#include "base/error.h"
#include "cpu/cpu.h"
#include "cpu/host_cpu.h"
#include "cpu/cpu_xml.h"
#include "qemu/cpu_features.h"
#include "qemu/cpu_models.h"

namespace bv::qemu {

using model::CpuDef;
using model::CpuType;

namespace {

int CompareXml(std::string_view arch, const CpuDef* host, const std::string& xml, unsigned flags) {
  CpuDef cpu = cpu::ParseCpu(xml, CpuType::kAuto, (flags & kCompareValidateXml) != 0);
  cpu::CompareResult result =
      flags & kCompareFailIncompatible ? cpu::CompareOrThrow(arch, host, cpu) : cpu::Compare(arch, host, cpu).result;
  return static_cast<int>(result);
}

}  // namespace

std::vector<CpuDef> ParseCpus(std::span<const std::string> xmls, CpuType type) {
  if (xmls.empty()) throw Error(ErrorDomain::kCpu, ErrorCode::kInvalidArg, "no CPUs given");
  std::vector<CpuDef> cpus;
  for (const std::string& xml : xmls) cpus.push_back(cpu::ParseCpu(xml, type));
  return cpus;
}

std::string BaselineCpu(std::span<const CpuDef> cpus, unsigned flags) {
  CpuDef result = cpu::Baseline("", cpus, {.only_migratable = (flags & kBaselineMigratable) != 0});
  std::string_view arch = cpus.front().arch;
  std::erase_if(result.features, [&](auto& feature) { return !QemuTakesFeature(arch, feature); });
  if (flags & kBaselineExpandFeatures) cpu::ExpandFeatures(arch, result);
  return cpu::FormatCpu(result);
}

std::string BaselineHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, std::span<const CpuDef> cpus,
                                  unsigned flags) {
  cpu::HypervisorModels models = CpuModelsOf(caps, accelerator);
  if (models.empty())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("QEMU '{}' does not support reporting CPU model for virttype '{}'", caps.binary(),
                            accelerator == Accelerator::kKvm ? "kvm" : "qemu"));
  if (!IsX86(caps.arch()))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("computing baseline hypervisor CPU is not supported for arch {}", caps.arch()));

  bool only_migratable = flags & kBaselineMigratable;
  std::vector<std::string> known = CpuFeaturesOf(caps, accelerator, only_migratable);
  // What QEMU says is migratable needs no further filter.
  if (!known.empty()) only_migratable = false;
  cpu::BaselineOptions options;
  options.models = &models;
  if (!known.empty()) options.known = &known;
  options.only_migratable = only_migratable;
  CpuDef result = cpu::Baseline(caps.arch(), cpus, options);
  result.fallback = model::CpuFallback::kForbid;
  if (flags & kBaselineExpandFeatures) cpu::ExpandFeatures(caps.arch(), result);
  return cpu::FormatCpu(result);
}

int CompareCpu(const CpuDef& host, const std::string& xml, unsigned flags) {
  return CompareXml(cpu::HostArch(), &host, xml, flags);
}

int CompareHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, const std::string& xml, unsigned flags) {
  if (!IsX86(caps.arch()))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("comparing with the hypervisor CPU is not supported for arch {}", caps.arch()));
  auto host = HostModelsOf(caps, accelerator);
  return CompareXml(caps.arch(), host ? &host->reported : nullptr, xml, flags);
}

std::vector<std::string> CpuModelNames(const std::string& arch) {
  if (!FindArch(arch)) throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "cannot find architecture " + arch);
  std::vector<std::string> names;
  for (std::string_view name : cpu::ModelNames(arch)) names.emplace_back(name);
  return names;
}

}  // namespace bv::qemu
