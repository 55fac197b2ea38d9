#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "cpu/x86_cpu.h"
#include "cpu/x86_features.h"

namespace bv::cpu::x86 {

using model::CpuCheck;
using model::CpuDef;
using model::CpuFeature;
using model::CpuMode;
using model::CpuPolicy;

namespace {

// Set through <features> rather than <cpu>, but they may be asked about as if they were CPU features.
constexpr std::array<std::string_view, 15> kPseudoFeatures = {
    "kvm_pv_unhalt", "hv-runtime",     "hv-synic",         "hv-stimer",  "hv-relaxed", "hv-vapic", "hv-vpindex",      "hv-reset",
    "hv-frequencies", "hv-reenlightenment", "hv-tlbflush", "hv-avic", "hv-ipi",     "hv-evmcs",  "hv-stimer-direct"};

bool HasFeature(const FeatureSet& set, std::string_view name) {
  if (auto index = x86::FindFeature(name)) return set.Has(*index);
  if (std::ranges::find(kPseudoFeatures, name) != kPseudoFeatures.end()) return false;
  throw Error(ErrorDomain::kCpu, ErrorCode::kInternalError, "unknown CPU feature " + std::string(name));
}

void TakeHostModel(CpuDef& guest, const CpuDef& host) {
  std::vector<CpuFeature> own = std::move(guest.features);
  guest.model = host.model;
  // A guest that named a model chose its vendor with it; host-model takes the host's.
  if (guest.mode != CpuMode::kCustom) {
    guest.vendor = host.vendor;
    if (guest.vendor_id.empty()) guest.vendor_id = host.vendor_id;
  }
  guest.features.clear();
  for (const CpuFeature& feature : host.features)
    guest.features.push_back({feature.name, feature.policy == CpuPolicy::kAbsent ? CpuPolicy::kRequire : feature.policy});
  for (const CpuFeature& feature : own) SetFeature(guest, feature.name, feature.policy);
  guest.mode = CpuMode::kCustom;
  guest.match = model::CpuMatch::kExact;
}

}  // namespace

void ExpandFeatures(CpuDef& cpu) {
  std::vector<CpuFeature> own = std::move(cpu.features);
  cpu.features.clear();
  const Model* model = x86::FindModel(cpu.model);
  if (!model) throw Error(ErrorDomain::kCpu, ErrorCode::kInternalError, "unknown CPU model " + cpu.model);
  AppendFeatures(cpu, model->features, CpuPolicy::kRequire);
  for (const CpuFeature& feature : own)
    if (cpu.IsHost() || feature.policy == CpuPolicy::kRequire || feature.policy == CpuPolicy::kDisable)
      SetFeature(cpu, feature.name, feature.policy);
  if (!cpu.IsHost()) DisableRemoved(cpu, *model);
}

void Update(CpuDef& guest, const CpuDef* host, bool relative) {
  if (relative) {
    if (!host) throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported, "unknown host CPU model");
    FeatureSet available = Effective(*host);
    for (CpuFeature& feature : guest.features)
      if (feature.policy == CpuPolicy::kOptional)
        feature.policy = HasFeature(available, feature.name) ? CpuPolicy::kRequire : CpuPolicy::kDisable;
    if (guest.mode == CpuMode::kHostModel || guest.match == model::CpuMatch::kMinimum) TakeHostModel(guest, *host);
  }
  DisableRemoved(guest, GetModel(guest.model));
}

void UpdateLive(CpuDef& cpu, const FeatureSet& enabled, const FeatureSet& disabled) {
  bool like_host = cpu.mode == CpuMode::kHostPassthrough || cpu.mode == CpuMode::kMaximum;
  FeatureSet expected = Effective(cpu);
  // With the host's own CPU anything that is not mentioned is as it is.
  FeatureSet unexpected = like_host ? WithPolicy(cpu, CpuPolicy::kDisable) - expected : FeatureSet();
  FeatureSet added = like_host ? enabled & unexpected : enabled - expected;
  FeatureSet removed = expected - enabled;
  removed.Add(disabled);

  if (cpu.check == CpuCheck::kFull) {
    std::string extra = Join(added, ","), missing = Join(removed, ",");
    if (extra.empty() && missing.empty()) return;
    std::string detail = "guest CPU doesn't match specification:";
    if (!extra.empty()) detail += " extra features: " + extra;
    if (!extra.empty() && !missing.empty()) detail += ",";
    if (!missing.empty()) detail += " missing features: " + missing;
    throw Error(ErrorDomain::kCpu, ErrorCode::kOperationFailed, detail);
  }
  for (std::size_t i = 0; i < Features().size(); i++) {
    if (added.Has(i)) SetFeature(cpu, Features()[i].Text(), CpuPolicy::kRequire);
    if (removed.Has(i)) SetFeature(cpu, Features()[i].Text(), CpuPolicy::kDisable);
  }
  if (const Model* model = x86::FindModel(cpu.model)) DisableRemoved(cpu, *model);
}

void Translate(CpuDef& cpu, const HypervisorModels& models) {
  CpuData data;
  data.features = Effective(cpu);
  if (!cpu.model.empty()) {
    const Model& model = GetModel(cpu.model);
    data.vendor = model.vendor;
    if (!model.signatures().empty()) {
      const Signature& signature = model.signatures()[0];
      data.family = signature.family;
      data.model = signature.model;
      data.stepping = static_cast<unsigned>(std::countr_zero(signature.steppings));
    }
  }
  CpuDef translated;
  translated.type = cpu.type;
  translated.fallback = cpu.fallback;
  Decode(translated, data, {.models = &models, .preferred = {}});
  for (const CpuFeature& feature : cpu.features) SetFeature(translated, feature.name, feature.policy);
  cpu.model = std::move(translated.model);
  cpu.features = std::move(translated.features);
}

CpuDef CopyMigratable(const CpuDef& cpu) {
  CpuDef copy = cpu;
  std::erase_if(copy.features, [](const CpuFeature& feature) {
    auto index = x86::FindFeature(feature.name);
    return index && !Features()[*index].migratable;
  });
  return copy;
}

bool HasFeature(const CpuDef& cpu, std::string_view name) { return HasFeature(Effective(cpu), name); }

void ValidateFeatures(const CpuDef& cpu) {
  for (const CpuFeature& feature : cpu.features)
    if (!x86::FindFeature(feature.name))
      throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported, "unknown CPU feature: " + feature.name);
}

}  // namespace bv::cpu::x86
