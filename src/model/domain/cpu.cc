#include "model/cpu.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

constexpr SizeSpec kPageSize{1024, 1024, "KiB"};

void ReadMode(Parser& p, CpuDef& cpu, const xml::Node& element) {
  auto mode = element.Attr("mode");
  if (cpu.type == CpuType::kAuto) {
    bool host = !mode && !element.Attr("match") && element.Child("arch");
    cpu.type = host ? CpuType::kHost : CpuType::kGuest;
  }
  if (cpu.type == CpuType::kHost) return;
  if (mode) p.Value(element, "mode", cpu.mode, Fault::kDomainXml);
  if (cpu.mode != CpuMode::kCustom) return;
  // Without a model there is nothing to match: the topology alone was given.
  if (element.Attr("match")) p.Value(element, "match", cpu.match, Fault::kDomainXml);
}
void WriteMode(Formatter& f, const CpuDef& cpu) {
  if (cpu.type == CpuType::kHost) return;
  bool topology_only = cpu.mode == CpuMode::kCustom && cpu.model.empty() && cpu.check == CpuCheck::kDefault && cpu.match == CpuMatch::kExact;
  if (topology_only) return;
  f.Attr("mode", ToString(cpu.mode));
  if (cpu.mode == CpuMode::kCustom) f.Attr("match", ToString(cpu.match));
}

bool IsHost(const CpuDef& cpu) { return cpu.type == CpuType::kHost; }
bool IsGuest(const CpuDef& cpu) { return cpu.type != CpuType::kHost; }
bool TakesFallback(const CpuDef& cpu) {
  return cpu.type != CpuType::kHost && (cpu.mode == CpuMode::kCustom || cpu.mode == CpuMode::kHostModel);
}
bool HasModel(const CpuDef& cpu) { return !cpu.model.empty() || !cpu.vendor_id.empty(); }
bool ShowsFallback(const CpuDef& cpu) { return TakesFallback(cpu) && !cpu.model.empty(); }

void CheckVendorId(Parser& p, CpuDef& cpu, const xml::Node& element) {
  auto id = element.Attr("vendor_id");
  if (!id) return;
  if (id->size() != 12) p.Fail(Fault::kDomainXml, "vendor_id must be exactly 12 characters long");
  if (id->find(',') != std::string_view::npos) p.Fail(Fault::kDomainXml, "vendor id is invalid");
  cpu.vendor_id = *id;
}
void WriteVendorId(Formatter& f, const CpuDef& cpu) {
  if (!cpu.vendor_id.empty()) f.Attr("vendor_id", cpu.vendor_id);
}

constexpr RowOf<CpuDef> kModelRows[] = {
    Attr<&CpuDef::fallback>("fallback").Fails(Fault::kDomainXml).WhenWriting<&ShowsFallback>(),
    Custom<&CheckVendorId, &WriteVendorId>("@vendor_id"),
    Text<&CpuDef::model>(),
};

constexpr RowOf<MaxPhysAddr> kMaxPhysAddrRows[] = {
    Attr<&MaxPhysAddr::mode>("mode").Required(),
    Attr<&MaxPhysAddr::bits>("bits"),
};
constexpr Description<MaxPhysAddr> kMaxPhysAddr{kMaxPhysAddrRows};

constexpr RowOf<CpuTopology> kTopologyRows[] = {
    Attr<&CpuTopology::sockets>("sockets").Required().NonZero(),
    Attr<&CpuTopology::dies>("dies").NonZero(),
    Attr<&CpuTopology::cores>("cores").Required().NonZero(),
    Attr<&CpuTopology::threads>("threads").Required().NonZero(),
};
constexpr Description<CpuTopology> kTopology{kTopologyRows};

constexpr RowOf<CpuSignature> kSignatureRows[] = {
    Attr<&CpuSignature::family>("family").Required().Always(),
    Attr<&CpuSignature::model>("model").Required().Always(),
    Attr<&CpuSignature::stepping>("stepping").Required().Always(),
};
constexpr Description<CpuSignature> kSignature{kSignatureRows};

constexpr RowOf<CpuCounter> kCounterRows[] = {
    Attr<&CpuCounter::name>("name").Required(),
    Attr<&CpuCounter::frequency>("frequency").Required(),
    Attr<&CpuCounter::scaling>("scaling"),
};
constexpr Description<CpuCounter> kCounter{kCounterRows};

constexpr RowOf<CpuCache> kCacheRows[] = {
    Attr<&CpuCache::level>("level"),
    Attr<&CpuCache::mode>("mode").Required(),
};
void CheckCache(Parser& p, CpuCache& cache, const xml::Node&) {
  if (cache.level && (*cache.level < 1 || *cache.level > 3)) {
    p.Fail(Fault::kDomainXml, "Invalid CPU cache level, must be in range [1-3]");
  }
}
constexpr Description<CpuCache> kCache = Describe<&CheckCache>(kCacheRows);

constexpr RowOf<CpuFeature> kFeatureRows[] = {
    Attr<&CpuFeature::policy>("policy").Fails(Fault::kDomainXml),
    Attr<&CpuFeature::name>("name").Required().Fails(Fault::kDomainXml),
};
constexpr Description<CpuFeature> kFeature{kFeatureRows};

constexpr RowOf<CpuPages> kPagesRows[] = {SizeAttr<&CpuPages::size_kib>("size", kPageSize)};
constexpr Description<CpuPages> kPages{kPagesRows};

constexpr RowOf<CpuDef> kMicrocodeRows[] = {Attr<&CpuDef::microcode>("version")};

constexpr RowOf<CpuDef> kRows[] = {
    Custom<&ReadMode, &WriteMode>("@mode @match"),
    Attr<&CpuDef::check>("check").Fails(Fault::kDomainXml).When<&IsGuest>(),
    Attr<&CpuDef::migratable>("migratable").Fails(Fault::kDomainXml),
    TextChild<&CpuDef::arch>("arch").When<&IsHost>(),
    Group("model", kModelRows).WhenWriting<&HasModel>(),
    TextChild<&CpuDef::vendor>("vendor"),
    Group("microcode", kMicrocodeRows).When<&IsHost>(),
    Child<&CpuDef::signature>("signature", kSignature).When<&IsHost>(),
    Child<&CpuDef::tsc>("counter", kCounter).When<&IsHost>(),
    Child<&CpuDef::max_phys_addr>("maxphysaddr", kMaxPhysAddr),
    Child<&CpuDef::topology>("topology", kTopology),
    Child<&CpuDef::cache>("cache", kCache),
    Child<&CpuDef::features>("feature", kFeature),
    Child<&CpuDef::pages>("pages", kPages).When<&IsHost>(),
};

void CheckCpu(Parser& p, CpuDef& cpu, const xml::Node& element) {
  if (cpu.type == CpuType::kGuest && cpu.mode != CpuMode::kHostPassthrough && cpu.mode != CpuMode::kMaximum &&
      cpu.migratable != OnOff::kAbsent) {
    p.Fail(Fault::kDomainXml, "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode");
  }
  if (cpu.mode == CpuMode::kHostPassthrough && cpu.type == CpuType::kGuest && !cpu.model.empty()) {
    cpu.model.clear();
  }
  if (!cpu.vendor.empty() && cpu.model.empty() && cpu.type == CpuType::kGuest && cpu.mode == CpuMode::kCustom) {
    p.Fail(Fault::kDomainXml, "CPU vendor specified without CPU model");
  }
  if (!cpu.features.empty() && cpu.model.empty() && (cpu.type == CpuType::kHost || cpu.mode == CpuMode::kCustom)) {
    p.Fail(Fault::kDomainXml, "Non-empty feature list specified without CPU model");
  }
  if (element.Child("topology") && !cpu.topology) p.Fail(Fault::kDomainXml, "Missing topology");
  for (std::size_t i = 0; i < cpu.features.size(); ++i) {
    CpuFeature& feature = cpu.features[i];
    if (feature.name.empty()) p.Fail(Fault::kDomainXml, "Invalid CPU feature name");
    if (cpu.type == CpuType::kGuest && feature.policy == CpuPolicy::kAbsent) feature.policy = CpuPolicy::kRequire;
    if (cpu.type == CpuType::kHost) feature.policy = CpuPolicy::kAbsent;
    for (std::size_t j = 0; j < i; ++j) {
      if (cpu.features[j].name == feature.name) p.Fail(Fault::kDomainXml, "CPU feature '" + feature.name + "' specified more than once");
    }
  }
}

}  // namespace

constinit const Description<CpuDef> kCpu = Describe<&CheckCpu>(kRows);

}  // namespace bv::model
