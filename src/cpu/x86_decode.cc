#include "cpu/x86_decode.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "cpu/x86_features.h"

namespace bv::cpu::x86 {
namespace {

using model::CpuDef;
using model::CpuPolicy;

// TSX is broken in these Haswells, and microcode may or may not hide it: a host that has it must not look
// better than one where it is gone.
bool HasBrokenTsx(const CpuData& data) {
  if (VendorName(data.vendor) != "Intel" || data.family != 6) return false;
  return data.model == 60 || data.model == 69 || data.model == 70 || (data.model == 63 && data.stepping < 4);
}

// A model and how the data differ from it.
struct Candidate {
  const Model* model = nullptr;
  FeatureSet extra;     // to be required
  FeatureSet missing;   // to be disabled
  std::size_t removed;  // once in the model, to be mentioned as disabled too

  std::size_t disabled() const { return missing.size() + removed; }
};

struct Weight {
  std::size_t total = 0;
  std::size_t penalty = 0;  // the part of it for disabled features
};

// The length of the feature list, where the n-th disabled feature counts for n + 1. libvirt looks at only
// the first half of them (the rest count 1), and its choice of model is what guests see: so do we.
Weight WeightOf(const Candidate& candidate, bool host) {
  std::size_t length = candidate.extra.size() + candidate.disabled();
  if (host) return {length, 0};
  std::size_t counted = (candidate.disabled() + 1) / 2;
  std::size_t penalty = counted * 2 + counted * (counted - 1) / 2;
  return {length - counted + penalty, penalty};
}

class Chooser {
 public:
  Chooser(const CpuDef& cpu, const CpuData& data, const DecodeOptions& options)
      : cpu_(cpu), data_(data), options_(options) {}

  // The newest models are looked at first, so that they win when all else is equal.
  const Candidate& Choose() {
    auto models = Models();
    for (auto model = models.rbegin(); model != models.rend() && !final_; ++model) Consider(*model);
    if (!best_) throw Error(ErrorDomain::kCpu, ErrorCode::kInternalError, "Cannot find suitable CPU model for given data");
    return *best_;
  }

 private:
  void Consider(const Model& model) {
    const HypervisorModel* hypervisor = nullptr;
    if (options_.models && !(hypervisor = FindModel(*options_.models, model.Text()))) {
      if (OnlyPreferred(model) && cpu_.fallback == model::CpuFallback::kForbid)
        throw Error(ErrorDomain::kCpu, ErrorCode::kConfigUnsupported,
                    "CPU model " + std::string(model.Text()) + " is not supported by hypervisor");
      return;
    }
    if (data_.vendor != kNoVendor && model.vendor != kNoVendor && data_.vendor != model.vendor) return;
    if (!(cpu_.IsHost() ? model.decode_host : model.decode_guest)) return;

    Candidate candidate = Match(model, hypervisor);
    if (cpu_.IsHost() && candidate.disabled() != 0) return;
    if (OnlyPreferred(model)) final_ = true;
    if (final_ || !best_ || IsBetter(candidate)) best_ = candidate;
  }

  Candidate Match(const Model& model, const HypervisorModel* hypervisor) const {
    Candidate candidate;
    candidate.model = &model;
    candidate.extra = data_.features - model.features;
    candidate.missing = model.features - data_.features;
    // The hypervisor's idea of the model may have more features than ours, and this host may lack some of
    // either: what blocks the model has to be disabled, unless it is required on top of the model anyway.
    if (hypervisor)
      for (std::string_view blocker : hypervisor->blockers)
        if (auto index = x86::FindFeature(blocker); index && !candidate.extra.Has(*index)) candidate.missing.Add(*index);
    candidate.removed = 0;
    if (!cpu_.IsHost())
      for (std::uint8_t removed : model.removed())
        if (!candidate.extra.Has(removed) && !candidate.missing.Has(removed)) candidate.removed++;
    return candidate;
  }

  bool OnlyPreferred(const Model& model) const {
    return options_.preferred.size() == 1 && options_.preferred[0] == model.Text();
  }
  bool MatchesSignature(const Candidate& candidate) const {
    return data_.family != 0 && candidate.model->Matches(data_.family, data_.model, data_.stepping);
  }

  bool IsBetter(const Candidate& candidate) const {
    bool matches = MatchesSignature(candidate);
    if (matches != MatchesSignature(*best_)) return matches;

    Weight now = WeightOf(*best_, cpu_.IsHost()), then = WeightOf(candidate, cpu_.IsHost());
    if (std::pair(then.total, then.penalty) < std::pair(now.total, now.penalty)) return true;
    bool preferred = std::ranges::find(options_.preferred, candidate.model->Text()) != options_.preferred.end();
    return preferred && then.penalty < now.penalty;
  }

  const CpuDef& cpu_;
  const CpuData& data_;
  const DecodeOptions& options_;
  std::optional<Candidate> best_;
  bool final_ = false;
};

}  // namespace

void Decode(CpuDef& cpu, const CpuData& given, const DecodeOptions& options) {
  CpuData data = given;
  if (HasBrokenTsx(data)) {
    data.features.Remove(GetFeature("hle"));
    data.features.Remove(GetFeature("rtm"));
  }
  Candidate chosen = Chooser(cpu, data, options).Choose();

  cpu.model = chosen.model->Text();
  cpu.vendor = VendorName(data.vendor);
  cpu.signature.reset();
  if (data.family != 0) cpu.signature = {data.family, data.model, data.stepping};
  cpu.features.clear();
  AppendFeatures(cpu, chosen.extra, CpuPolicy::kRequire);
  AppendFeatures(cpu, chosen.missing, CpuPolicy::kDisable);
  if (!cpu.IsHost()) DisableRemoved(cpu, *chosen.model);
  if (options.only_migratable)
    std::erase_if(cpu.features, [](auto& f) { return !Features()[*x86::FindFeature(f.name)].migratable; });
}

}  // namespace bv::cpu::x86
