#include "qemu/cpu_calls.h"

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

constexpr unsigned kExpandFeatures = 1, kMigratable = 2;          // virConnectBaselineCPUFlags
constexpr unsigned kFailIncompatible = 1, kValidateXml = 2;       // virConnectCompareCPUFlags

void CheckFlags(unsigned flags, unsigned known, std::string_view function) {
  if ((flags & ~known) == 0) return;
  throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
              fmt::format("unsupported flags (0x{:x}) in function {}", flags & ~known, function));
}

std::vector<CpuDef> ParseList(const std::vector<std::string>& xmls, CpuType type) {
  if (xmls.empty()) throw Error(ErrorDomain::kCpu, ErrorCode::kInvalidArg, "no CPUs given");
  std::vector<CpuDef> cpus;
  for (const std::string& xml : xmls) cpus.push_back(cpu::ParseCpu(xml, type));
  return cpus;
}

int CompareXml(std::string_view arch, const CpuDef* host, const std::string& xml, unsigned flags) {
  CpuDef cpu = cpu::ParseCpu(xml, CpuType::kAuto, (flags & kValidateXml) != 0);
  cpu::CompareResult result =
      flags & kFailIncompatible ? cpu::CompareOrThrow(arch, host, cpu) : cpu::Compare(arch, host, cpu).result;
  return static_cast<int>(result);
}

}  // namespace

std::string BaselineCpu(const std::vector<std::string>& xmls, unsigned flags) {
  CheckFlags(flags, kExpandFeatures | kMigratable, "qemuConnectBaselineCPU");
  std::vector<CpuDef> cpus = ParseList(xmls, CpuType::kHost);
  CpuDef result = cpu::Baseline("", cpus, {.only_migratable = (flags & kMigratable) != 0});
  std::string_view arch = cpus.front().arch;
  std::erase_if(result.features, [&](auto& feature) { return !QemuTakesFeature(arch, feature); });
  if (flags & kExpandFeatures) cpu::ExpandFeatures(arch, result);
  return cpu::FormatCpu(result);
}

std::string BaselineHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, const std::vector<std::string>& xmls,
                                  unsigned flags) {
  CheckFlags(flags, kExpandFeatures | kMigratable, "qemuConnectBaselineHypervisorCPU");
  std::vector<CpuDef> cpus = ParseList(xmls, CpuType::kAuto);
  cpu::HypervisorModels models = CpuModelsOf(caps, accelerator);
  if (models.empty())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("QEMU '{}' does not support reporting CPU model for virttype '{}'", caps.binary(),
                            accelerator == Accelerator::kKvm ? "kvm" : "qemu"));
  if (!IsX86(caps.arch()))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("computing baseline hypervisor CPU is not supported for arch {}", caps.arch()));

  bool only_migratable = flags & kMigratable;
  std::vector<std::string> known = CpuFeaturesOf(caps, accelerator, only_migratable);
  // What QEMU says is migratable needs no further filter.
  if (!known.empty()) only_migratable = false;
  cpu::BaselineOptions options = {.models = &models, .known = known.empty() ? nullptr : &known, .only_migratable = only_migratable};
  CpuDef result = cpu::Baseline(caps.arch(), cpus, options);
  result.fallback = model::CpuFallback::kForbid;
  if (flags & kExpandFeatures) cpu::ExpandFeatures(caps.arch(), result);
  return cpu::FormatCpu(result);
}

int CompareCpu(const CpuDef& host, const std::string& xml, unsigned flags) {
  CheckFlags(flags, kFailIncompatible | kValidateXml, "qemuConnectCompareCPU");
  return CompareXml(cpu::HostArch(), &host, xml, flags);
}

int CompareHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, const std::string& xml, unsigned flags) {
  CheckFlags(flags, kFailIncompatible | kValidateXml, "qemuConnectCompareHypervisorCPU");
  if (!IsX86(caps.arch()))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                fmt::format("comparing with the hypervisor CPU is not supported for arch {}", caps.arch()));
  auto host = HostModelsOf(caps, accelerator);
  return CompareXml(caps.arch(), host ? &host->reported : nullptr, xml, flags);
}

std::vector<std::string> CpuModelNames(const std::string& arch, unsigned flags) {
  CheckFlags(flags, 0, "qemuConnectGetCPUModelNames");
  if (!FindArch(arch)) throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "cannot find architecture " + arch);
  std::vector<std::string> names;
  for (std::string_view name : cpu::ModelNames(arch)) names.emplace_back(name);
  return names;
}

}  // namespace bv::qemu
