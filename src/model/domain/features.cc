#include "model/domain/features.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// <name state='on'/> with nothing else.
void ReadState(Parser& p, const xml::Node& element, OnOff& state, bool required) {
  p.Value(element, "state", state, Fault::kXml, required ? kRequired : 0);
}
void WriteState(Formatter& f, std::string_view name, OnOff state) {
  if (state == OnOff::kAbsent) return;
  f.out().Open(name);
  f.Attr("state", ToString(state));
  f.out().Close(name);
}

// --- <hyperv>, <kvm>, <xen> ------------------------------------------------------------------------

constexpr unsigned kMinSpinlockRetries = 0xFFF;

void ReadHypervFeature(Parser& p, Hyperv& h, HypervFeature feature, const xml::Node& node) {
  OnOff& state = h.features[static_cast<std::size_t>(feature)];
  ReadState(p, node, state, true);
  if (state != OnOff::kOn) return;
  switch (feature) {
    case HypervFeature::kSpinlocks:
      p.Value(node, "retries", h.spinlocks, Fault::kXml, kRequired);
      if (h.spinlocks < kMinSpinlockRetries) p.Fail(Fault::kDomainXml, "HyperV spinlock retry count must be at least 4095");
      break;
    case HypervFeature::kStimer:
      if (const xml::Node* direct = node.Child("direct")) ReadState(p, *direct, h.stimer_direct, true);
      break;
    case HypervFeature::kVendorId:
      if (!node.Attr("value")) p.Fail(Fault::kDomainXml, "missing 'value' attribute for HyperV feature 'vendor_id'");
      h.vendor_id = node.AttrOr("value");
      if (h.vendor_id.size() > 12) p.Fail(Fault::kDomainXml, "HyperV vendor_id value must not be more than 12 characters.");
      if (h.vendor_id.find(',') != std::string::npos) p.Fail(Fault::kDomainXml, "HyperV vendor_id value is invalid");
      break;
    default:
      break;
  }
}

void ReadHyperv(Parser& p, Features& features, const xml::Node& element) {
  const xml::Node* node = element.Child("hyperv");
  if (!node) return;
  Hyperv& h = features.hyperv;
  h.mode = HypervMode::kCustom;
  p.Value(*node, "mode", h.mode, Fault::kXml, kNonZero);
  if (h.mode == HypervMode::kPassthrough) return;
  for (const xml::Node* child = node->first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement) continue;
    auto feature = FromString<HypervFeature>(child->name);
    if (!feature) p.Fail(Fault::kUnsupported, "unsupported HyperV Enlightenment feature: " + std::string(child->name));
    ReadHypervFeature(p, h, *feature, *child);
  }
}
void WriteHyperv(Formatter& f, const Features& features) {
  const Hyperv& h = features.hyperv;
  if (h.mode == HypervMode::kNone) return;
  f.out().Open("hyperv");
  f.Attr("mode", ToString(h.mode));
  for (std::size_t i = 0; h.mode != HypervMode::kPassthrough && i < kHypervFeatures; ++i) {
    if (h.features[i] == OnOff::kAbsent) continue;
    auto feature = static_cast<HypervFeature>(i);
    f.out().Open(ToString(feature));
    f.Attr("state", ToString(h.features[i]));
    if (h.features[i] == OnOff::kOn) {
      if (feature == HypervFeature::kSpinlocks) f.Attr("retries", h.spinlocks);
      if (feature == HypervFeature::kVendorId) f.Attr("value", h.vendor_id);
      if (feature == HypervFeature::kStimer) WriteState(f, "direct", h.stimer_direct);
    }
    f.out().Close(ToString(feature));
  }
  f.out().Close("hyperv");
}

void ReadKvm(Parser& p, Features& features, const xml::Node& element) {
  const xml::Node* node = element.Child("kvm");
  if (!node) return;
  Kvm& kvm = features.kvm;
  kvm.given = true;
  for (const xml::Node* child = node->first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement) continue;
    auto feature = FromString<KvmFeature>(child->name);
    if (!feature) p.Fail(Fault::kUnsupported, "unsupported KVM feature: " + std::string(child->name));
    OnOff& state = kvm.features[static_cast<std::size_t>(*feature)];
    ReadState(p, *child, state, true);
    if (*feature != KvmFeature::kDirtyRing || state != OnOff::kOn) continue;
    p.Value(*child, "size", kvm.dirty_ring_size, Fault::kXml, kRequired);
    bool power_of_two = (kvm.dirty_ring_size & (kvm.dirty_ring_size - 1)) == 0;
    if (!power_of_two || kvm.dirty_ring_size < 1024 || kvm.dirty_ring_size > 65536) {
      p.Fail(Fault::kDomainXml, "dirty ring must be power of 2 and ranges [1024, 65536]");
    }
  }
}
void WriteKvm(Formatter& f, const Features& features) {
  const Kvm& kvm = features.kvm;
  if (!kvm.given) return;
  f.out().Open("kvm");
  for (std::size_t i = 0; i < kvm.features.size(); ++i) {
    if (kvm.features[i] == OnOff::kAbsent) continue;
    auto feature = static_cast<KvmFeature>(i);
    f.out().Open(ToString(feature));
    f.Attr("state", ToString(kvm.features[i]));
    if (feature == KvmFeature::kDirtyRing && kvm.dirty_ring_size) f.Attr("size", kvm.dirty_ring_size);
    f.out().Close(ToString(feature));
  }
  f.out().Close("kvm");
}

void ReadXen(Parser& p, Features& features, const xml::Node& element) {
  const xml::Node* node = element.Child("xen");
  if (!node) return;
  XenFeatures& xen = features.xen;
  xen.given = true;
  for (const xml::Node* child = node->first_child; child; child = child->next) {
    if (child->Is("e820_host")) {
      ReadState(p, *child, xen.e820_host, true);
    } else if (child->Is("passthrough")) {
      ReadState(p, *child, xen.passthrough, true);
      if (xen.passthrough == OnOff::kOn) p.Value(*child, "mode", xen.passthrough_mode, Fault::kXml, kNonZero);
    } else if (child->kind == xml::Node::Kind::kElement) {
      p.Fail(Fault::kUnsupported, "unsupported Xen feature: " + std::string(child->name));
    }
  }
}
void WriteXen(Formatter& f, const Features& features) {
  const XenFeatures& xen = features.xen;
  if (!xen.given) return;
  f.out().Open("xen");
  WriteState(f, "e820_host", xen.e820_host);
  if (xen.passthrough != OnOff::kAbsent) {
    f.out().Open("passthrough");
    f.Attr("state", ToString(xen.passthrough));
    if (xen.passthrough_mode != XenPassthroughMode::kDefault) f.Attr("mode", ToString(xen.passthrough_mode));
    f.out().Close("passthrough");
  }
  f.out().Close("xen");
}

void ReadCapabilities(Parser& p, Features& features, const xml::Node& element) {
  const xml::Node* node = element.Child("capabilities");
  if (!node) return;
  features.capabilities.given = true;
  p.Value(*node, "policy", features.capabilities.policy, Fault::kUnsupported);
  for (const xml::Node* child = node->first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement) continue;
    OnOff state = OnOff::kOn;
    ReadState(p, *child, state, false);
    features.capabilities.states.emplace_back(child->name, state);
  }
}
void WriteCapabilities(Formatter& f, const Features& features) {
  const ProcessCapabilities& c = features.capabilities;
  if (!c.given) return;
  if (c.policy == CapabilitiesPolicy::kDefault && c.states.empty()) return;
  f.out().Open("capabilities");
  f.Attr("policy", ToString(c.policy));
  for (auto& [name, state] : c.states) WriteState(f, name, state);
  f.out().Close("capabilities");
}

// --- the others ------------------------------------------------------------------------------------

using F = Features;
constexpr SizeSpec kTsegSize{1, 1024 * 1024, "bytes"};


struct Switch {
  std::string_view name;
  OnOff F::*member;
  bool alone_is_on;  // else the state attribute is required
};
constexpr Switch kSwitches[] = {
    {"hap", &F::hap, true},         {"pvspinlock", &F::pvspinlock, true}, {"pmu", &F::pmu, true},
    {"vmport", &F::vmport, true},   {"vmcoreinfo", &F::vmcoreinfo, true}, {"htm", &F::htm, false},
    {"nested-hv", &F::nested_hv, false}, {"ccf-assist", &F::ccf_assist, false},
};

template <std::size_t I>
void ReadSwitch(Parser& p, F& features, const xml::Node& element) {
  const Switch& s = kSwitches[I];
  const xml::Node* node = element.Child(s.name);
  if (!node) return;
  if (s.alone_is_on) features.*s.member = OnOff::kOn;
  ReadState(p, *node, features.*s.member, !s.alone_is_on);
}
template <std::size_t I>
void WriteSwitch(Formatter& f, const F& features) {
  WriteState(f, kSwitches[I].name, features.*kSwitches[I].member);
}
template <std::size_t I>
constexpr RowOf<F> SwitchRow() {
  return Custom<&ReadSwitch<I>, &WriteSwitch<I>>(kSwitches[I].name);
}

void ReadApic(Parser& p, F& features, const xml::Node& element) {
  if (const xml::Node* node = element.Child("apic")) {
    features.apic = true;
    p.Value(*node, "eoi", features.apic_eoi);
  }
}
void WriteApic(Formatter& f, const F& features) {
  if (!features.apic) return;
  f.out().Open("apic");
  if (features.apic_eoi != OnOff::kAbsent) f.Attr("eoi", ToString(features.apic_eoi));
  f.out().Close("apic");
}

void ReadSmm(Parser& p, F& features, const xml::Node& element) {
  const xml::Node* node = element.Child("smm");
  if (!node) return;
  features.smm = OnOff::kOn;
  ReadState(p, *node, features.smm, false);
  if (features.smm != OnOff::kOn) return;
  if (const xml::Node* tseg = node->Child("tseg")) features.tseg_bytes = p.ScaledText(*tseg, kTsegSize);
}
void WriteSmm(Formatter& f, const F& features) {
  if (features.smm == OnOff::kAbsent) return;
  f.out().Open("smm");
  f.Attr("state", ToString(features.smm));
  if (features.smm == OnOff::kOn && features.tseg_bytes) {
    static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::uint64_t size = *features.tseg_bytes;
    std::size_t unit = 0;
    while (size && size % 1024 == 0 && unit + 1 < std::size(kUnits)) size /= 1024, ++unit;
    f.out().Open("tseg");
    f.Attr("unit", kUnits[unit]);
    f.out().CloseWithText("tseg", std::to_string(size));
  }
  f.out().Close("smm");
}

void ReadGiven(Parser&, F& features, const xml::Node& element) {
  features.gic_given = element.Child("gic") != nullptr;
  features.hpt_given = element.Child("hpt") != nullptr;
  features.tcg_given = element.Child("tcg") != nullptr;
}
void WriteGiven(Formatter&, const F&) {}

constexpr RowOf<F> kGicRows[] = {Attr<&F::gic>("version").NonZero()};
constexpr RowOf<F> kIoapicRows[] = {Attr<&F::ioapic>("driver").NonZero()};
constexpr RowOf<F> kHptRows[] = {
    Attr<&F::hpt_resizing>("resizing").NonZero(),
    Size<&F::hpt_max_page_size>("maxpagesize", kKiB),
};
constexpr RowOf<F> kMsrsRows[] = {Attr<&F::msrs_unknown>("unknown").Required().NonZero()};
constexpr RowOf<F> kCfpcRows[] = {Attr<&F::cfpc>("value").Required().NonZero()};
constexpr RowOf<F> kSbbcRows[] = {Attr<&F::sbbc>("value").Required().NonZero()};
constexpr RowOf<F> kIbsRows[] = {Attr<&F::ibs>("value").Required().NonZero()};
constexpr RowOf<F> kTcgRows[] = {Size<&F::tcg_tb_cache>("tb-cache", kKiB)};
bool GicGiven(const F& f) { return f.gic_given; }

constexpr RowOf<F> kRows[] = {
    Flag<&F::acpi>("acpi"),
    Custom<&ReadApic, &WriteApic>("apic"),
    Flag<&F::pae>("pae"),
    SwitchRow<0>(),
    Flag<&F::viridian>("viridian"),
    Flag<&F::privnet>("privnet"),
    Custom<&ReadHyperv, &WriteHyperv>("hyperv"),
    Custom<&ReadKvm, &WriteKvm>("kvm"),
    Custom<&ReadXen, &WriteXen>("xen"),
    SwitchRow<1>(),
    Custom<&ReadCapabilities, &WriteCapabilities>("capabilities"),
    SwitchRow<2>(),
    SwitchRow<3>(),
    Group("gic", kGicRows).Always().WhenWriting<&GicGiven>(),
    Custom<&ReadSmm, &WriteSmm>("smm"),
    Group("ioapic", kIoapicRows),
    Group("hpt", kHptRows),
    SwitchRow<4>(),
    SwitchRow<5>(),
    SwitchRow<6>(),
    Group("msrs", kMsrsRows),
    SwitchRow<7>(),
    Group("cfpc", kCfpcRows),
    Group("sbbc", kSbbcRows),
    Group("ibs", kIbsRows),
    Group("tcg", kTcgRows),
    Custom<&ReadGiven, &WriteGiven>(""),
};

// A feature that is not known is refused even without validation.
void CheckNames(Parser& p, F&, const xml::Node& element) {
  for (const xml::Node* child = element.first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement) continue;
    bool known = false;
    for (const Row& row : kRows) known = known || row.name == child->name;
    if (!known) p.Fail(Fault::kUnsupported, "unexpected feature '" + std::string(child->name) + "'");
  }
}

}  // namespace

constinit const Description<Features> kFeatures = Describe<&CheckNames>(kRows);

}  // namespace bv::model
