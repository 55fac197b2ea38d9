#include "model/domain/seclabel.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

bool IsConfined(const Seclabel& s) { return s.type != SeclabelType::kNone; }
// A label that the daemon chose belongs to the running guest only.
bool ShowsBase(const Seclabel& s) { return s.type == SeclabelType::kDynamic; }

void ReadLabels(Parser& p, Seclabel& s, const xml::Node& element) {
  if (s.model == "none" && p.inactive()) {
    // Old definitions say other things about it.
    s.type = SeclabelType::kNone;
    s.relabel = YesNo::kNo;
    return;
  }
  if (s.type == SeclabelType::kStatic || (!p.inactive() && s.type != SeclabelType::kNone)) {
    s.label = element.ChildText("label").value_or("");
    if (s.label.empty() && s.type == SeclabelType::kStatic) p.Fail(Fault::kDomainXml, "security label is missing");
  }
  if (s.relabel != YesNo::kNo && !p.inactive() && s.type != SeclabelType::kNone) {
    s.imagelabel = element.ChildText("imagelabel").value_or("");
  }
  if (s.type == SeclabelType::kDynamic) s.baselabel = element.ChildText("baselabel").value_or("");
}
void WriteLabels(Formatter& f, const Seclabel& s) {
  bool chosen_label = s.type == SeclabelType::kStatic || !f.inactive();
  if (chosen_label && !s.label.empty()) f.out().TextElement("label", s.label);
  if (!f.inactive() && !s.imagelabel.empty()) f.out().TextElement("imagelabel", s.imagelabel);
  if (ShowsBase(s) && !s.baselabel.empty()) f.out().TextElement("baselabel", s.baselabel);
}

constexpr RowOf<Seclabel> kRows[] = {
    Attr<&Seclabel::type>("type"),
    Attr<&Seclabel::model>("model"),
    Attr<&Seclabel::relabel>("relabel").WhenWriting<&IsConfined>(),
    Custom<&ReadLabels, &WriteLabels>("label imagelabel baselabel"),
};

void CheckDomainLabel(Parser& p, Seclabel& s, const xml::Node&) {
  if (s.type == SeclabelType::kDefault) return;
  if (s.relabel == YesNo::kAbsent) s.relabel = ToYesNo(s.type == SeclabelType::kDynamic);
  if (s.type == SeclabelType::kDynamic && s.relabel == YesNo::kNo) {
    p.Fail(Fault::kUnsupported, "dynamic label type must use resource relabeling");
  }
  if (s.type == SeclabelType::kNone && s.relabel == YesNo::kYes) {
    p.Fail(Fault::kUnsupported, "resource relabeling is not compatible with 'none' label type");
  }
}

constexpr RowOf<DeviceSeclabel> kDeviceRows[] = {
    Attr<&DeviceSeclabel::model>("model"),
    Attr<&DeviceSeclabel::labelskip>("labelskip").LiveOnly(),
    Attr<&DeviceSeclabel::relabel>("relabel"),
    TextChild<&DeviceSeclabel::label>("label"),
};

void CheckOverride(Parser& p, DeviceSeclabel& s, const xml::Node&) {
  if (s.relabel == YesNo::kAbsent && s.labelskip != YesNo::kYes) s.relabel = YesNo::kYes;
  if (!s.label.empty() && s.relabel == YesNo::kNo) {
    p.Fail(Fault::kUnsupported, "Cannot specify a label if relabelling is turned off. model=" + s.model);
  }
}

}  // namespace

constinit const Description<Seclabel> kSeclabel = Describe<&CheckDomainLabel>(kRows);
constinit const Description<DeviceSeclabel> kDeviceSeclabel = Describe<&CheckOverride>(kDeviceRows);

}  // namespace bv::model
