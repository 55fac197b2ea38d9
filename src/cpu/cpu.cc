#include "cpu/cpu.h"

#include <algorithm>

#include "base/arch.h"
#include "base/error.h"
#include "cpu/arm.h"
#include "cpu/ppc64.h"
#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"

namespace bv::cpu {

using model::CpuDef;
using model::CpuFeature;
using model::CpuMode;
using model::CpuPolicy;

namespace {

enum class Family { kX86, kPpc64, kS390, kArm };

Family FamilyOf(std::string_view arch) {
  if (IsX86(arch)) return Family::kX86;
  if (IsPpc64(arch)) return Family::kPpc64;
  if (IsS390(arch)) return Family::kS390;
  if (IsArm(arch)) return Family::kArm;
  if (arch.empty()) throw Error(ErrorDomain::kCpu, ErrorCode::kInvalidArg, "undefined hardware architecture");
  throw Error(ErrorDomain::kCpu, ErrorCode::kNoSupport,
              "'" + std::string(arch) + "' architecture is not supported by CPU driver");
}

[[noreturn]] void Unsupported(std::string_view what, std::string_view arch) {
  throw Error(ErrorDomain::kCpu, ErrorCode::kNoSupport, std::string(what) + " of " + std::string(arch) + " architecture");
}

bool NeedsHost(const CpuDef& guest) {
  if (guest.mode == CpuMode::kHostModel) return true;
  return guest.match == model::CpuMatch::kMinimum ||
         std::ranges::any_of(guest.features, [](auto& f) { return f.policy == CpuPolicy::kOptional; });
}

// Where there is nothing more to a CPU than its name: host-model becomes the host's.
void TakeHostModel(CpuDef& guest, const CpuDef& host) {
  guest.mode = CpuMode::kCustom;
  guest.match = model::CpuMatch::kExact;
  guest.model = host.model;
  guest.vendor = host.vendor;
  std::vector<CpuFeature> own = std::move(guest.features);
  guest.features = host.features;
  for (CpuFeature& feature : guest.features)
    if (feature.policy == CpuPolicy::kAbsent) feature.policy = CpuPolicy::kRequire;
  for (const CpuFeature& feature : own) x86::SetFeature(guest, feature.name, feature.policy);
}

}  // namespace

Comparison Compare(std::string_view arch, const CpuDef* host, const CpuDef& cpu) {
  Family family = FamilyOf(arch);
  if (family == Family::kS390 || family == Family::kArm) return {CompareResult::kIdentical, {}};
  if (!host || host->model.empty()) return {CompareResult::kIncompatible, "unknown host CPU"};
  return family == Family::kX86 ? x86::Compare(*host, cpu) : ppc64::Compare(*host, cpu);
}

CompareResult CompareOrThrow(std::string_view arch, const CpuDef* host, const CpuDef& cpu) {
  Comparison comparison = Compare(arch, host, cpu);
  if (comparison.result == CompareResult::kIncompatible)
    throw Error(ErrorDomain::kCpu, ErrorCode::kCpuIncompatible, comparison.reason);
  return comparison.result;
}

CpuDef Baseline(std::string_view arch, std::span<const CpuDef> cpus, const BaselineOptions& options) {
  for (std::size_t i = 0; i < cpus.size(); i++)
    if (cpus[i].model.empty())
      throw Error(ErrorDomain::kCpu, ErrorCode::kInvalidArg, "no CPU model specified at index " + std::to_string(i));
  if (arch.empty()) arch = cpus.front().arch;
  switch (FamilyOf(arch)) {
    case Family::kX86: return x86::Baseline(cpus, options.models, options.known, options.only_migratable);
    case Family::kPpc64: return ppc64::Baseline(cpus);
    case Family::kS390: break;
    case Family::kArm: {
      CpuDef result;
      result.type = model::CpuType::kGuest;
      result.model = cpus.front().model;
      return result;
    }
  }
  Unsupported("cannot compute baseline CPU", arch);
}

void ExpandFeatures(std::string_view arch, CpuDef& cpu) {
  if (FamilyOf(arch) == Family::kX86) x86::ExpandFeatures(cpu);
  std::ranges::sort(cpu.features, {}, &CpuFeature::name);
}

void Update(std::string_view arch, CpuDef& guest, const CpuDef* host) {
  Family family = FamilyOf(arch);
  if (guest.mode == CpuMode::kHostPassthrough || guest.mode == CpuMode::kMaximum) return;
  bool relative = NeedsHost(guest);
  if (family == Family::kX86) return x86::Update(guest, host, relative);
  // POWER's host-model stays: the emulator's "host" is meant, perhaps in an older version's guise.
  if (!relative || family == Family::kPpc64) return;
  if (family == Family::kS390 && guest.mode == CpuMode::kCustom) {
    if (guest.match == model::CpuMatch::kMinimum)
      throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported, "match mode minimum not supported on s390");
    throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported,
                "only cpu feature policies 'require' and 'disable' are supported");
  }
  if (guest.mode != CpuMode::kHostModel) return;
  if (!host) throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported, "unknown host CPU model");
  TakeHostModel(guest, *host);
}

void Translate(std::string_view arch, CpuDef& cpu, const HypervisorModels& models) {
  Family family = FamilyOf(arch);
  if (cpu.mode != CpuMode::kCustom || models.empty() || FindModel(models, cpu.model)) return;
  if (cpu.fallback == model::CpuFallback::kForbid)
    throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported,
                "CPU model " + cpu.model + " is not supported by hypervisor");
  if (family != Family::kX86)
    throw Error(ErrorDomain::kCpu, ErrorCode::kNoSupport,
                "cannot translate CPU model " + cpu.model + " to a supported model");
  x86::Translate(cpu, models);
}

void ConvertLegacy(std::string_view arch, CpuDef& cpu) {
  if (FamilyOf(arch) == Family::kPpc64) ppc64::ConvertLegacy(cpu);
}

void CheckForbidden(std::string_view arch, const CpuDef& guest, const CpuDef& host) {
  FamilyOf(arch);
  for (const CpuFeature& feature : guest.features) {
    if (feature.policy != CpuPolicy::kForbid) continue;
    const CpuFeature* provided = x86::FindFeature(host, feature.name);
    if (provided && provided->policy != CpuPolicy::kDisable)
      throw Error(ErrorDomain::kCpu, ErrorCode::kCpuIncompatible,
                  "Host CPU provides forbidden feature '" + feature.name + "'");
  }
}

CpuDef CopyMigratable(std::string_view arch, const CpuDef& cpu) {
  return FamilyOf(arch) == Family::kX86 ? x86::CopyMigratable(cpu) : cpu;
}

void ValidateFeatures(std::string_view arch, const CpuDef& cpu) {
  Family family = FamilyOf(arch);
  if (family == Family::kX86) return x86::ValidateFeatures(cpu);
  for (const CpuFeature& feature : cpu.features) {
    if (family == Family::kArm && !arm::KnowsFeature(feature.name))
      throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported, "unknown CPU feature: " + feature.name);
    if (family == Family::kS390 && feature.policy != CpuPolicy::kRequire && feature.policy != CpuPolicy::kDisable)
      throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported,
                  "only cpu feature policies 'require' and 'disable' are supported for " + feature.name);
  }
}

std::vector<std::string_view> ModelNames(std::string_view arch) {
  switch (FamilyOf(arch)) {
    case Family::kPpc64: return ppc64::ModelNames();
    case Family::kS390:
    case Family::kArm: return {};
    case Family::kX86: break;
  }
  std::vector<std::string_view> names;
  for (const x86::Model& model : x86::Models()) names.push_back(model.Text());
  return names;
}

std::string_view VendorOfModel(std::string_view arch, std::string_view name) {
  if (IsPpc64(arch)) return ppc64::VendorOfModel(name);
  if (IsArm(arch)) return arm::VendorOfModel(name);
  const x86::Model* model = IsX86(arch) ? x86::FindModel(name) : nullptr;
  return model ? x86::VendorName(model->vendor) : std::string_view();
}

}  // namespace bv::cpu
