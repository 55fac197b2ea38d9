#include "model/domain/descriptions.h"
#include "model/storage_pool_parts.h"

namespace bv::model {

namespace {

using A = PoolAdapter;

void ReadScsiHost(Parser& p, A& a, const xml::Node& element) {
  if (auto name = element.Attr("name")) a.name = *name;
  const xml::Node* parent = element.Child("parentaddr");
  if (!parent) return;
  const xml::Node* address = parent->Child("address");
  if (!address) p.Fail(Fault::kDomainXml, "Missing scsi_host PCI address element");
  p.Read(kPciAddress, a.parent_address.emplace(), *address);
  p.Value(*parent, "unique_id", a.unique_id);
}

void ReadFcHost(Parser& p, A& a, const xml::Node& element) {
  struct Field {
    const char* name;
    std::string A::*member;
  };
  for (auto [name, member] : {Field{"parent", &A::parent}, {"parent_wwnn", &A::parent_wwnn}, {"parent_wwpn", &A::parent_wwpn},
                              {"parent_fabric_wwn", &A::parent_fabric_wwn}, {"wwnn", &A::wwnn}, {"wwpn", &A::wwpn}}) {
    a.*member = element.AttrOr(name);
  }
  p.Value(element, "managed", a.managed, Fault::kXml, kNonZero);
}

void ReadAdapter(Parser& p, A& a, const xml::Node& element) {
  if (element.Attr("type")) {
    p.Value(element, "type", a.type, Fault::kXml, kNonZero);
    return a.type == AdapterType::kFcHost ? ReadFcHost(p, a, element) : ReadScsiHost(p, a, element);
  }
  // Before there were types an adapter was a name.
  if (element.Attr("wwnn") || element.Attr("wwpn") || element.Attr("parent")) {
    p.Fail(Fault::kDomainXml, "an adapter with 'wwnn', 'wwpn' or 'parent' must have a 'type'");
  }
  if (element.Child("parentaddr")) p.Fail(Fault::kDomainXml, "an adapter with 'parentaddr' must have a 'type'");
  if (auto name = element.Attr("name")) {
    a.name = *name;
    a.type = AdapterType::kScsiHost;
  }
}

void WriteAdapter(Formatter& f, const A& a) {
  if (a.type == AdapterType::kNone) return;
  auto attribute = [&](const char* name, std::string_view value) {
    if (!value.empty()) f.Attr(name, value);
  };
  f.Attr("type", ToString(a.type));
  if (a.type == AdapterType::kFcHost) {
    attribute("parent", a.parent);
    attribute("managed", ToString(a.managed));
    attribute("parent_wwnn", a.parent_wwnn);
    attribute("parent_wwpn", a.parent_wwpn);
    attribute("parent_fabric_wwn", a.parent_fabric_wwn);
    attribute("wwnn", a.wwnn);
    attribute("wwpn", a.wwpn);
    return;
  }
  if (a.name) f.Attr("name", *a.name);
  if (!a.parent_address) return;
  f.out().Open("parentaddr");
  if (a.unique_id) f.Attr("unique_id", *a.unique_id);
  f.Write("address", kPciAddress, *a.parent_address);
  f.out().Close("parentaddr");
}

void CheckWwn(const std::string& wwn) {
  std::string_view digits = wwn;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  bool good = digits.size() == 16 && digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
  if (!good) throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Malformed wwn: " + wwn);
}

void CheckFcHost(const Parser& p, const A& a) {
  if (a.wwnn.empty() || a.wwpn.empty()) {
    p.Fail(Fault::kDomainXml, "an adapter of type 'fc_host' needs both 'wwnn' and 'wwpn'");
  }
  CheckWwn(a.wwnn);
  CheckWwn(a.wwpn);
  if (a.parent_wwnn.empty() != a.parent_wwpn.empty()) {
    p.Fail(Fault::kDomainXml, "'parent_wwnn' and 'parent_wwpn' go together: '" + a.parent_wwnn + a.parent_wwpn + "' stands alone");
  }
  for (auto* wwn : {&a.parent_wwnn, &a.parent_wwpn, &a.parent_fabric_wwn}) {
    if (!wwn->empty()) CheckWwn(*wwn);
  }
}

constexpr RowOf<A> kRows[] = {
    Custom<&ReadAdapter, &WriteAdapter>("@type @name @parent @managed @parent_wwnn @parent_wwpn @parent_fabric_wwn @wwnn @wwpn parentaddr"),
};

}  // namespace

constinit const Description<PoolAdapter> kPoolAdapterXml{kRows};

void CheckPoolAdapter(const Parser& p, const PoolAdapter& a) {
  switch (a.type) {
    case AdapterType::kNone: p.Fail(Fault::kDomainXml, "missing storage pool source adapter");
    case AdapterType::kFcHost: return CheckFcHost(p, a);
    case AdapterType::kScsiHost:
      if (!a.name && !a.parent_address) p.Fail(Fault::kDomainXml, "a 'scsi_host' adapter needs a 'name' or a 'parentaddr'");
      if (a.name && a.parent_address) p.Fail(Fault::kDomainXml, "a 'scsi_host' adapter cannot have both 'name' and 'parentaddr'");
  }
}

}  // namespace bv::model
