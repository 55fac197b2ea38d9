#include "qemu/cpu_models.h"

#include <algorithm>

#include "base/arch.h"
#include "base/error.h"
#include "cpu/cpu.h"
#include "cpu/host_cpu.h"
#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"
#include "qemu/cpu_features.h"

namespace bv::qemu {

using model::CpuDef;
using model::CpuMode;
using model::CpuPolicy;

namespace {

unsigned NumberOf(std::string_view text) {
  unsigned value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

cpu::x86::CpuData HostDataOf(const QemuCaps& caps, Accelerator accelerator, bool only_migratable) {
  cpu::x86::CpuData data;
  // An emulator that does not tell which features it lacks does not tell the truth about MSRs' either.
  const bool with_msrs = caps.Has(QemuCap::kCpuUnavailableFeatures);
  for (const CpuProperty& property : caps.host_cpu(accelerator)) {
    if (property.is_true()) {
      if (only_migratable && !property.migratable) continue;
      auto index = cpu::x86::FindFeature(FeatureFromQemu(caps.arch(), property.name));
      if (index && (with_msrs || !cpu::x86::Features()[*index].msr)) data.features.Add(*index);
    } else if (property.name == "vendor") {
      if (auto vendor = cpu::x86::FindVendorString(property.value)) data.vendor = *vendor;
    } else if (property.name == "family") {
      data.family = NumberOf(property.value);
    } else if (property.name == "model") {
      data.model = NumberOf(property.value);
    } else if (property.name == "stepping") {
      data.stepping = NumberOf(property.value);
    }
  }
  return data;
}

CpuDef NewGuestCpu() {
  CpuDef cpu;
  cpu.type = model::CpuType::kGuest;
  return cpu;
}

CpuDef DecodeForGuests(const QemuCaps& caps, Accelerator accelerator, const cpu::HypervisorModels& models,
                       bool only_migratable) {
  CpuDef cpu = NewGuestCpu();
  cpu::x86::Decode(cpu, HostDataOf(caps, accelerator, only_migratable), {.models = &models, .preferred = {}});
  cpu.fallback = model::CpuFallback::kForbid;
  return cpu;
}

// The processor's own features and those that the emulator adds, these by name: cpu::CheckForbidden looks
// at names.
CpuDef FullHost(const CpuDef& reported) {
  CpuDef full = cpu::HostAsGuest();
  if (full.model.empty()) return reported;
  cpu::x86::Effective(reported).ForEach([&](std::size_t i) {
    cpu::x86::SetFeature(full, cpu::x86::Features()[i].Text(), CpuPolicy::kRequire);
  });
  return full;
}

// For an emulator that does not tell what its host CPU is.
CpuDef ProbedHost(const QemuCaps& caps, const cpu::HypervisorModels& models) {
  CpuDef cpu = cpu::HostAsGuest(&models);
  std::erase_if(cpu.features, [&](auto& feature) { return !QemuTakesFeature(caps.arch(), feature); });
  return cpu;
}

HostModels ComputeX86(const QemuCaps& caps, Accelerator accelerator) {
  cpu::HypervisorModels models = CpuModelsOf(caps, accelerator);
  HostModels result;
  if (caps.host_cpu(accelerator).empty()) {
    result.reported = ProbedHost(caps, models);
    result.migratable = cpu::CopyMigratable(caps.arch(), result.reported);
    result.full = result.reported;
  } else {
    result.reported = DecodeForGuests(caps, accelerator, models, false);
    result.migratable = DecodeForGuests(caps, accelerator, models, true);
    result.full = accelerator == Accelerator::kKvm ? FullHost(result.reported) : result.reported;
  }
  return result;
}

}  // namespace

cpu::HypervisorModels CpuModelsOf(const QemuCaps& caps, Accelerator accelerator) {
  cpu::HypervisorModels models;
  models.reserve(caps.cpu_models(accelerator).size());
  for (const QemuCpuModel& model : caps.cpu_models(accelerator)) {
    cpu::HypervisorModel& added = models.emplace_back(cpu::HypervisorModel{model.name, {}});
    for (std::string_view blocker : model.blockers) added.blockers.push_back(FeatureFromQemu(caps.arch(), blocker));
  }
  return models;
}

std::vector<std::string> CpuFeaturesOf(const QemuCaps& caps, Accelerator accelerator, bool only_migratable) {
  std::vector<std::string> names;
  for (const CpuProperty& property : caps.host_cpu(accelerator))
    if (!only_migratable || property.migratable) names.emplace_back(FeatureFromQemu(caps.arch(), property.name));
  return names;
}

bool IsNative(std::string_view host, std::string_view guest) {
  if (host == guest) return true;
  if (host == "x86_64") return guest == "i686";
  if (host == "aarch64") return guest == "armv7l";
  return IsPpc64(host) && IsPpc64(guest);
}

std::optional<HostModels> HostModelsOf(const QemuCaps& caps, Accelerator accelerator) {
  if (!IsNative(cpu::HostArch(), caps.arch()) || !IsX86(caps.arch())) return std::nullopt;
  if (!caps.HasCpuData(accelerator)) return std::nullopt;
  try {
    HostModels models = ComputeX86(caps, accelerator);
    if (!models.reported.model.empty()) return models;
  } catch (const Error&) {
    // No model fits: there is no host-model then.
  }
  return std::nullopt;
}

bool SupportsCpuMode(const QemuCaps& caps, Accelerator accelerator, CpuMode mode) {
  switch (mode) {
    case CpuMode::kHostPassthrough: return accelerator == Accelerator::kKvm && IsNative(cpu::HostArch(), caps.arch());
    case CpuMode::kHostModel: return HostModelsOf(caps, accelerator).has_value();
    case CpuMode::kCustom: return !caps.cpu_models(accelerator).empty();
    case CpuMode::kMaximum: return caps.Has(QemuCap::kCpuMax);
  }
  return false;
}

void UpdateGuestCpu(CpuDef& cpu, const QemuCaps& caps, Accelerator accelerator, std::string_view guest_arch) {
  if (cpu.mode == CpuMode::kCustom && cpu.model.empty()) return;
  auto host = HostModelsOf(caps, accelerator);
  cpu::Update(guest_arch, cpu, host ? &host->migratable : nullptr);
}

void ResolveGuestCpu(CpuDef& cpu, const QemuCaps& caps, Accelerator accelerator, std::string_view guest_arch) {
  if (cpu.mode == CpuMode::kCustom && cpu.model.empty()) return;
  cpu::ValidateFeatures(guest_arch, cpu);
  std::string_view host_arch = cpu::HostArch();
  if (!SupportsCpuMode(caps, accelerator, cpu.mode)) {
    std::string type = accelerator == Accelerator::kKvm ? "kvm" : "qemu";
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                "CPU mode '" + std::string(ToString(cpu.mode)) + "' for " + std::string(guest_arch) + " " + type +
                    " domain on " + std::string(host_arch) + " host is not supported by hypervisor");
  }
  cpu::ConvertLegacy(host_arch, cpu);
  bool like_host = cpu.mode == CpuMode::kHostPassthrough || cpu.mode == CpuMode::kMaximum;
  auto host = HostModelsOf(caps, accelerator);
  if (cpu.check != model::CpuCheck::kNone && host) cpu::CheckForbidden(host_arch, cpu, host->full);
  if (like_host) return;

  if (cpu.check == model::CpuCheck::kPartial) cpu::CompareOrThrow(host_arch, host ? &host->full : nullptr, cpu);
  cpu::Update(guest_arch, cpu, host ? &host->migratable : nullptr);
  cpu::Translate(guest_arch, cpu, CpuModelsOf(caps, accelerator));
  cpu.fallback = model::CpuFallback::kForbid;
}

std::string CpuModelArgument(const CpuDef& cpu, const QemuCaps& caps) {
  std::string text;
  switch (cpu.mode) {
    case CpuMode::kHostPassthrough: text = "host"; break;
    case CpuMode::kMaximum: text = "max"; break;
    case CpuMode::kHostModel:
      // POWER's own meaning: this host's CPU, perhaps as an older version of it.
      text = "host";
      if (!cpu.model.empty()) text += ",compat=" + cpu.model;
      break;
    case CpuMode::kCustom: text = cpu.model; break;
  }
  if (cpu.migratable != model::OnOff::kAbsent && caps.Has(QemuCap::kCpuMigratable)) {
    text += ",migratable=";
    text += ToString(cpu.migratable);
  }
  if (!cpu.vendor_id.empty()) text += ",vendor=" + cpu.vendor_id;
  for (const model::CpuFeature& feature : cpu.features) {
    if (feature.policy == CpuPolicy::kOptional || !QemuTakesFeature(caps.arch(), feature)) continue;
    bool on = feature.policy != CpuPolicy::kDisable && feature.policy != CpuPolicy::kForbid;
    text += ',';
    text += FeatureToQemu(caps.arch(), feature.name);
    text += on ? "=on" : "=off";
  }
  return text;
}

std::string CpuCacheArgument(const CpuDef& cpu) {
  std::string text;
  if (cpu.cache) {
    bool like_host = cpu.mode == CpuMode::kHostPassthrough || cpu.mode == CpuMode::kMaximum;
    switch (cpu.cache->mode) {
      case model::CpuCacheMode::kEmulate:
        text += ",l3-cache=on";
        if (like_host) text += ",host-cache-info=off";
        break;
      case model::CpuCacheMode::kPassthrough: text += ",host-cache-info=on,l3-cache=off"; break;
      case model::CpuCacheMode::kDisable:
        if (like_host) text += ",host-cache-info=off";
        text += ",l3-cache=off";
        break;
    }
  }
  if (cpu.max_phys_addr) {
    if (cpu.max_phys_addr->mode == model::MaxPhysAddrMode::kPassthrough) text += ",host-phys-bits=on";
    else if (cpu.max_phys_addr->bits) text += ",phys-bits=" + std::to_string(*cpu.max_phys_addr->bits);
  }
  return text;
}

}  // namespace bv::qemu
