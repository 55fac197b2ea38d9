#include "model/cpu.h"

#include <algorithm>

#include "base/arch.h"
#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// --- <cpu mode= match= ...> -----------------------------------------------------------------------

void ReadMode(Parser& p, CpuDef& cpu, const xml::Node& element) {
  auto mode = element.Attr("mode");
  if (cpu.type == CpuType::kAuto) {
    bool host = element.Child("arch");
    if (host && element.Attr("match")) {
      p.Fail(Fault::kDomainXml, "'arch' element cannot be used inside 'cpu' element with 'match' attribute'");
    }
    cpu.type = host ? CpuType::kHost : CpuType::kGuest;
  }
  if (mode && cpu.IsHost()) p.Fail(Fault::kUnsupported, "Attribute mode is only allowed for guest CPU");
  if (mode) {
    auto known = FromString<CpuMode>(*mode);
    if (!known) p.Fail(Fault::kUnsupported, "Invalid mode attribute '" + std::string(*mode) + "'");
    cpu.mode = *known;
  }
}
// Without a model there is nothing to match: only a topology, cache or NUMA cells were given.
bool IsNamed(const CpuDef& cpu) { return !cpu.IsHost() && (cpu.mode != CpuMode::kCustom || !cpu.model.empty()); }
void WriteMode(Formatter& f, const CpuDef& cpu) {
  if (IsNamed(cpu)) f.Attr("mode", ToString(cpu.mode));
}

bool IsHost(const CpuDef& cpu) { return cpu.IsHost(); }
bool LikeHost(const CpuDef& cpu) { return cpu.mode == CpuMode::kHostPassthrough || cpu.mode == CpuMode::kMaximum; }

void ReadMigratable(Parser& p, CpuDef& cpu, const xml::Node& element) {
  if (p.Value(element, "migratable", cpu.migratable) && (cpu.IsHost() || !LikeHost(cpu))) {
    p.FailBeyondSchema(Fault::kUnsupported, "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode");
  }
}
void ReadGuestAttributes(Parser& p, CpuDef& cpu, const xml::Node& element) {
  if (cpu.IsHost()) return;
  p.Value(element, "match", cpu.match);
  p.Value(element, "check", cpu.check);
}
void WriteGuestAttributes(Formatter& f, const CpuDef& cpu) {
  if (!IsNamed(cpu)) return;
  if (cpu.mode == CpuMode::kCustom) f.Attr("match", ToString(cpu.match));
  if (cpu.check != CpuCheck::kDefault) f.Attr("check", ToString(cpu.check));
  if (cpu.migratable != OnOff::kAbsent && LikeHost(cpu)) f.Attr("migratable", ToString(cpu.migratable));
}
void ReadNothing(Parser&, CpuDef&, const xml::Node&) {}
void WriteNothing(Formatter&, const CpuDef&) {}

// --- what only a host's CPU has -------------------------------------------------------------------

void ReadArch(Parser& p, CpuDef& cpu, const xml::Node& element) {
  if (!cpu.IsHost()) {
    // What a host's processor says of itself is ignored in a guest's, but is not of its language.
    for (const char* name : {"arch", "microcode", "signature", "counter", "pages"}) {
      if (p.validating() && element.Child(name)) p.Fail(Fault::kDomainXml, "unexpected element '" + std::string(name) + "' in <cpu>");
    }
    return;
  }
  cpu.arch = element.ChildText("arch").value_or("");
  if (cpu.arch.empty()) p.Fail(Fault::kDomainXml, "Missing CPU architecture");
  if (!FindArch(cpu.arch)) p.Fail(Fault::kUnsupported, "Unknown architecture " + cpu.arch);
}
void WriteArch(Formatter& f, const CpuDef& cpu) {
  if (cpu.IsHost() && !cpu.arch.empty()) f.out().TextElement("arch", cpu.arch);
}

void ReadMicrocode(Parser& p, CpuDef& cpu, const xml::Node& element) {
  const xml::Node* node = element.Child("microcode");
  auto version = node && cpu.IsHost() ? node->Attr("version") : std::nullopt;
  if (!version) return;
  cpu.microcode = ParseNumber<std::uint32_t>(*version);
  if (!cpu.microcode) p.Fail(Fault::kUnsupported, "invalid microcode version");
}
void WriteMicrocode(Formatter& f, const CpuDef& cpu) {
  if (!cpu.IsHost() || !cpu.microcode || *cpu.microcode == 0) return;
  f.out().Open("microcode");
  f.Attr("version", *cpu.microcode);
  f.out().Close("microcode");
}

constexpr RowOf<CpuSignature> kSignatureRows[] = {
    Attr<&CpuSignature::family>("family").Required().NonZero().Positive(),
    Attr<&CpuSignature::model>("model").Required().Always(),
    Attr<&CpuSignature::stepping>("stepping").Required().Always(),
};
constexpr Description<CpuSignature> kSignature{kSignatureRows};

constexpr RowOf<CpuCounter> kCounterRows[] = {
    Attr<&CpuCounter::name>("name"),
    Attr<&CpuCounter::frequency>("frequency").Required(),
    Attr<&CpuCounter::scaling>("scaling"),
};
constexpr Description<CpuCounter> kCounter{kCounterRows};

// Other counters than the TSC are not looked at.
void ReadCounter(Parser& p, CpuDef& cpu, const xml::Node& element) {
  if (!cpu.IsHost()) return;
  for (const xml::Node* node = element.Child("counter"); node; node = node->Next("counter")) {
    if (node->AttrOr("name") != "tsc") continue;
    p.Read(kCounter, cpu.tsc.emplace(), *node);
    return;
  }
}
void WriteCounter(Formatter& f, const CpuDef& cpu) {
  if (cpu.IsHost() && cpu.tsc) f.Write("counter", kCounter, *cpu.tsc);
}

void ReadPages(Parser& p, CpuDef& cpu, const xml::Node& element) {
  if (!cpu.IsHost()) return;
  for (const xml::Node* node = element.Child("pages"); node; node = node->Next("pages")) {
    p.Value(*node, "size", cpu.pages.emplace_back().size_kib);
  }
}
// Elsewhere the unit follows the size.
void WritePages(Formatter& f, const CpuDef& cpu) {
  for (const CpuPages& pages : cpu.pages) {
    f.out().Open("pages");
    f.Attr("unit", "KiB");
    f.Attr("size", pages.size_kib);
    f.out().Close("pages");
  }
}

// --- <model>, <vendor> ----------------------------------------------------------------------------

void ReadModel(Parser& p, CpuDef& cpu, const xml::Node& element) {
  const xml::Node* node = element.Child("model");
  if (node) cpu.model = node->text;
  if (cpu.IsHost() && cpu.model.empty()) p.Fail(Fault::kDomainXml, "Missing CPU model name");
  if (!node || cpu.IsHost() || LikeHost(cpu)) return;
  if (auto fallback = node->Attr("fallback"); fallback && !fallback->empty()) {
    auto known = FromString<CpuFallback>(*fallback);
    if (!known) p.Fail(Fault::kUnsupported, "Invalid fallback attribute");
    cpu.fallback = *known;
  }
  auto id = node->Attr("vendor_id");
  if (!id || id->empty()) return;
  if (id->size() != 12) p.Fail(Fault::kDomainXml, "vendor_id must be exactly 12 characters long");
  if (id->find(',') != std::string_view::npos) p.Fail(Fault::kDomainXml, "vendor id is invalid");
  cpu.vendor_id = *id;
}
void WriteModel(Formatter& f, const CpuDef& cpu) {
  if (LikeHost(cpu) || (cpu.model.empty() && cpu.vendor_id.empty())) return;
  f.out().Open("model");
  if (!cpu.IsHost() && !cpu.model.empty()) f.Attr("fallback", ToString(cpu.fallback));
  if (!cpu.IsHost() && !cpu.vendor_id.empty()) f.Attr("vendor_id", cpu.vendor_id);
  if (cpu.model.empty()) f.out().Close("model");
  else f.out().CloseWithText("model", cpu.model);
}

void ReadVendor(Parser& p, CpuDef& cpu, const xml::Node& element) {
  cpu.vendor = element.ChildText("vendor").value_or("");
  if (!cpu.vendor.empty() && cpu.model.empty()) p.FailBeyondSchema(Fault::kDomainXml, "CPU vendor specified without CPU model");
}
void WriteVendor(Formatter& f, const CpuDef& cpu) {
  if (!LikeHost(cpu) && !cpu.vendor.empty()) f.out().TextElement("vendor", cpu.vendor);
}

// --- the rest -------------------------------------------------------------------------------------

constexpr RowOf<MaxPhysAddr> kMaxPhysAddrRows[] = {
    Attr<&MaxPhysAddr::mode>("mode").Required(),
    Attr<&MaxPhysAddr::bits>("bits"),
};
constexpr Description<MaxPhysAddr> kMaxPhysAddr{kMaxPhysAddrRows};

constexpr RowOf<CpuTopology> kTopologyRows[] = {
    Attr<&CpuTopology::sockets>("sockets").Required().NonZero().Positive(),
    Attr<&CpuTopology::dies>("dies").NonZero().Positive(),
    Attr<&CpuTopology::cores>("cores").Required().NonZero().Positive(),
    Attr<&CpuTopology::threads>("threads").Required().NonZero().Positive(),
};
constexpr Description<CpuTopology> kTopology{kTopologyRows};

constexpr RowOf<CpuCache> kCacheRows[] = {
    Attr<&CpuCache::level>("level"),
    Attr<&CpuCache::mode>("mode").Required(),
};
void CheckCache(Parser& p, CpuCache& cache, const xml::Node&) {
  if (cache.level && (*cache.level < 1 || *cache.level > 3)) {
    p.Fail(Fault::kDomainXml, "invalid CPU cache level, must be in range [1,3]");
  }
}
constexpr Description<CpuCache> kCache = Describe<&CheckCache>(kCacheRows);

void ReadFeature(Parser& p, CpuDef& cpu, const xml::Node& node) {
  CpuFeature feature;
  auto policy = node.Attr("policy");
  if (!cpu.IsHost()) {
    auto known = policy ? FromString<CpuPolicy>(*policy) : CpuPolicy::kRequire;
    if (!known) p.Fail(Fault::kUnsupported, "Invalid CPU feature policy");
    feature.policy = *known;
  }
  feature.name = node.AttrOr("name");
  if (feature.name.empty()) p.Fail(Fault::kDomainXml, "Invalid CPU feature name");
  if (std::ranges::find(cpu.features, feature.name, &CpuFeature::name) != cpu.features.end()) {
    p.Fail(Fault::kDomainXml, "CPU feature '" + feature.name + "' specified more than once");
  }
  cpu.features.push_back(std::move(feature));
}
void ReadFeatures(Parser& p, CpuDef& cpu, const xml::Node& element) {
  const xml::Node* node = element.Child("feature");
  if (node && cpu.model.empty() && cpu.mode == CpuMode::kCustom) {
    p.Fail(Fault::kDomainXml, "Non-empty feature list specified without CPU model");
  }
  for (; node; node = node->Next("feature")) ReadFeature(p, cpu, *node);
  if (element.CountChildren("cache") > 1) p.Fail(Fault::kDomainXml, "at most one CPU cache element may be specified");
}
void WriteFeatures(Formatter& f, const CpuDef& cpu) {
  for (const CpuFeature& feature : cpu.features) {
    f.out().Open("feature");
    if (!cpu.IsHost()) f.Attr("policy", ToString(feature.policy));
    f.Attr("name", feature.name);
    f.out().Close("feature");
  }
}

constexpr RowOf<CpuDef> kRows[] = {
    Custom<&ReadMode, &WriteMode>("@mode"),
    Custom<&ReadMigratable, &WriteNothing>("@migratable"),
    Custom<&ReadGuestAttributes, &WriteGuestAttributes>("@match @check"),
    Custom<&ReadArch, &WriteArch>("arch"),
    Custom<&ReadModel, &WriteModel>("model"),
    Custom<&ReadVendor, &WriteVendor>("vendor"),
    Custom<&ReadMicrocode, &WriteMicrocode>("microcode"),
    Child<&CpuDef::signature>("signature", kSignature).When<&IsHost>(),
    Custom<&ReadCounter, &WriteCounter>("counter"),
    Child<&CpuDef::topology>("topology", kTopology),
    Child<&CpuDef::cache>("cache", kCache),
    Child<&CpuDef::max_phys_addr>("maxphysaddr", kMaxPhysAddr),
    Custom<&ReadFeatures, &WriteFeatures>("feature"),
    Custom<&ReadPages, &WritePages>("pages"),
    Custom<&ReadNothing, &WriteNothing>("numa"),  // guests have it; read with the domain
};

}  // namespace

constinit const Description<CpuDef> kCpu{kRows};

}  // namespace bv::model
