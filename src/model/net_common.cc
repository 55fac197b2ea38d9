#include "model/net_common.h"

#include <algorithm>

#include "base/ip.h"
#include "model/domain/descriptions.h"
#include "model/network_parts.h"

namespace bv::model {

namespace {

using V = VirtualPort;
constexpr RowOf<V> kParameterRows[] = {
    Attr<&V::manager_id>("managerid").AnyBase().Fails(Fault::kCommonXml),
    Attr<&V::type_id>("typeid").AnyBase().Fails(Fault::kCommonXml),
    Attr<&V::type_id_version>("typeidversion").AnyBase().Fails(Fault::kCommonXml),
    Attr<&V::instance_id>("instanceid").Fails(Fault::kCommonXml),
    Attr<&V::interface_id>("interfaceid").Fails(Fault::kCommonXml),
    Attr<&V::profile_id>("profileid"),
};

// Domain of these errors: the code that libvirt keeps them in belongs to no part.
[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kNone, code, std::move(text)); }

void ReadPortType(Parser&, V& v, const xml::Node& element) {
  auto type = element.Attr("type");
  if (!type) return;
  auto known = FromString<VirtualPortType>(*type);
  if (!known || *known == VirtualPortType::kNone) Fail(ErrorCode::kConfigUnsupported, "unknown virtualport type " + std::string(*type));
  v.type = *known;
}
void WritePortType(Formatter& f, const V& v) {
  if (v.type != VirtualPortType::kNone) f.Attr("type", ToString(v.type));
}
constexpr RowOf<V> kPortRows[] = {
    Custom<&ReadPortType, &WritePortType>("@type"),
    Group("parameters", kParameterRows),
};

// What a port of each type has to say, unless it is only part of a port, and may say.
void CheckParameters(const V& v, bool complete) {
  struct Rule {
    VirtualPortType type;
    unsigned needs, may;
  };
  enum : unsigned { kManager = 1, kTypeId = 2, kVersion = 4, kProfile = 8, kInstance = 16, kInterface = 32 };
  constexpr Rule kRules[] = {
      {VirtualPortType::k8021Qbg, kManager | kTypeId | kVersion, kManager | kTypeId | kVersion | kInstance},
      {VirtualPortType::k8021Qbh, kProfile, kProfile},
      {VirtualPortType::kOpenvswitch, 0, kProfile | kInterface},
      {VirtualPortType::kMidonet, 0, kInterface},
  };
  const std::pair<const char*, bool> given[] = {{"managerid", v.manager_id.has_value()}, {"typeid", v.type_id.has_value()},
                                                {"typeidversion", v.type_id_version.has_value()}, {"profileid", !v.profile_id.empty()},
                                                {"instanceid", v.instance_id.has_value()}, {"interfaceid", v.interface_id.has_value()}};
  for (const Rule& rule : kRules) {
    if (rule.type != v.type) continue;
    for (const char* word : {"missing", "extra"}) {
      bool missing = *word == 'm';
      for (unsigned i = 0; i < std::size(given); ++i) {
        auto& [name, there] = given[i];
        bool bad = missing ? complete && !there && (rule.needs >> i & 1) : there && !(rule.may >> i & 1);
        if (!bad) continue;
        throw Error(ErrorDomain::kNet, ErrorCode::kXmlError,
                    std::string(word) + " " + name + (missing ? " in" : " unsupported in") + " <virtualport type='" + std::string(ToString(v.type)) + "'>");
      }
    }
  }
}

void CheckPart(Parser&, V& v, bool complete) {
  if (v.manager_id && *v.manager_id > 255) Fail(ErrorCode::kXmlError, "value of managerid out of range");
  if (v.type_id && *v.type_id > 0xFFFFFF) Fail(ErrorCode::kXmlError, "value for typeid out of range");
  if (v.type_id_version && *v.type_id_version > 255) Fail(ErrorCode::kXmlError, "value of typeidversion out of range");
  if (v.profile_id.size() > 39) Fail(ErrorCode::kXmlError, "profileid parameter too long");
  CheckParameters(v, complete);
}
void CheckPort(Parser& p, V& v, const xml::Node&) { CheckPart(p, v, true); }
void CheckTemplate(Parser& p, V& v, const xml::Node&) { CheckPart(p, v, false); }

using R = BandwidthRate;
struct RateMember {
  const char* name;
  std::uint64_t R::*member;
};
constexpr RateMember kRateMembers[] = {{"average", &R::average}, {"peak", &R::peak}, {"floor", &R::floor}, {"burst", &R::burst}};

void ReadRate(Parser&, R& r, const xml::Node& element) {
  bool average = element.Attr("average").has_value(), floor = element.Attr("floor").has_value();
  if (floor && element.Is("outbound")) Fail(ErrorCode::kConfigUnsupported, "'floor' attribute allowed only in <inbound> element");
  if (!average && !floor) Fail(ErrorCode::kXmlDetail, "Missing mandatory average or floor attributes");
  if (!average && (element.Attr("peak") || element.Attr("burst"))) Fail(ErrorCode::kConfigUnsupported, "'peak' and 'burst' require 'average' attribute");
  for (auto [name, member] : kRateMembers) {
    auto text = element.Attr(name);
    if (!text) continue;
    auto number = ParseNumber<std::uint64_t>(*text);
    if (!number) Fail(ErrorCode::kConfigUnsupported, std::string("could not convert bandwidth ") + name + " value '" + std::string(*text) + "'");
    r.*member = *number;
  }
}
void WriteRate(Formatter& f, const R& r) {
  for (auto [name, member] : kRateMembers) {
    if (r.*member) f.Attr(name, r.*member);
  }
}
constexpr RowOf<R> kRateRows[] = {Custom<&ReadRate, &WriteRate>("@average @peak @floor @burst")};
constexpr Description<R> kRate{kRateRows};

// A rate without numbers limits nothing.
void DropEmptyRates(Parser&, Bandwidth& b, const xml::Node& element) {
  for (const char* name : {"inbound", "outbound"}) {
    if (element.CountChildren(name) > 1) Fail(ErrorCode::kXmlDetail, std::string("Only one child <") + name + "> element allowed");
  }
  auto drop = [](std::optional<R>& rate) {
    if (rate && !rate->average && !rate->floor) rate.reset();
  };
  drop(b.in);
  drop(b.out);
}
constexpr RowOf<Bandwidth> kBandwidthRows[] = {
    Attr<&Bandwidth::class_id>("classID").LiveOnly(),
    Child<&Bandwidth::in>("inbound", kRate),
    Child<&Bandwidth::out>("outbound", kRate),
};

constexpr RowOf<VlanTag> kTagRows[] = {
    Attr<&VlanTag::id>("id").Required().Always(),
    Attr<&VlanTag::native_mode>("nativeMode").NonZero(),
};
void CheckTag(Parser&, VlanTag& tag, const xml::Node&) {
  if (tag.id > 4095) Fail(ErrorCode::kXmlError, "vlan tag id " + std::to_string(tag.id) + " too large (maximum 4095)");
}
constexpr Description<VlanTag> kTag = Describe<&CheckTag>(kTagRows);
constexpr RowOf<Vlan> kVlanRows[] = {
    Attr<&Vlan::trunk>("trunk").With(kEmptyIsAbsent).Fails(Fault::kCommonXml),
    Child<&Vlan::tags>("tag", kTag),
};
void CheckVlan(Parser&, Vlan& vlan, const xml::Node& element) {
  if (vlan.tags.empty()) Fail(ErrorCode::kXmlError, "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement");
  auto native = std::count_if(vlan.tags.begin(), vlan.tags.end(), [](auto& t) { return t.native_mode != VlanNativeMode::kNone; });
  if (native > 1) Fail(ErrorCode::kXmlError, "duplicate native vlan setting");
  if ((vlan.tags.size() > 1 || native) && !element.AttrOr("trunk").empty() && !vlan.trunk) {
    Fail(ErrorCode::kXmlError, "invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for more than one vlan tag");
  }
  if (vlan.tags.size() > 1 || native) vlan.trunk = true;
}

constexpr RowOf<IpAddress> kIpRows[] = {
    Attr<&IpAddress::address>("address").Required().Fails(Fault::kDomainXml),
    Attr<&IpAddress::family>("family"),
    Attr<&IpAddress::prefix>("prefix").Fails(Fault::kDomainXml),
    Attr<&IpAddress::peer>("peer"),
};

// The family is what the address says it is.
void CheckIp(Parser& p, IpAddress& ip, const xml::Node&) {
  auto address = Ip::Parse(ip.address);
  if (!address) p.Fail(Fault::kDomainXml, "Invalid address '" + ip.address + "' in <ip>");
  ip.family = address->v4() ? "ipv4" : "ipv6";
  if (ip.prefix && *ip.prefix > address->width()) p.Fail(Fault::kDomainXml, "Invalid prefix value '" + std::to_string(*ip.prefix) + "' in <ip>");
  if (ip.prefix == 0u) ip.prefix.reset();
}

constexpr RowOf<IpRoute> kRouteRows[] = {
    Attr<&IpRoute::family>("family"),
    Attr<&IpRoute::address>("address"),
    Attr<&IpRoute::netmask>("netmask"),
    Attr<&IpRoute::prefix>("prefix"),
    Attr<&IpRoute::gateway>("gateway"),
    Attr<&IpRoute::metric>("metric").NonZero(),
};

// An interface's routes obey the rules of a network's.
void CheckRoute(Parser& p, IpRoute&, const xml::Node& element) {
  ReadRoute(p, element.parent && element.parent->Is("source") ? "interface host IP" : "guest interface", element);
}

constexpr RowOf<FilterParameter> kParameterRow[] = {
    Attr<&FilterParameter::name>("name"),
    Attr<&FilterParameter::value>("value"),
};
constexpr Description<FilterParameter> kParameter{kParameterRow};
constexpr RowOf<FilterRef> kFilterRows[] = {
    Attr<&FilterRef::filter>("filter"),
    Child<&FilterRef::parameters>("parameter", kParameter),
};
// Parameters are a set: sorted by name, nameless and double ones dropped.
void SortParameters(Parser&, FilterRef& ref, const xml::Node&) {
  auto& list = ref.parameters;
  std::erase_if(list, [](auto& p) { return p.name.empty(); });
  std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.name < b.name; });
}

}  // namespace

constinit const Description<VirtualPort> kVirtualPort = Describe<&CheckPort>(kPortRows);
constinit const Description<VirtualPort> kVirtualPortTemplate = Describe<&CheckTemplate>(kPortRows);
constinit const Description<Bandwidth> kBandwidth = Describe<&DropEmptyRates>(kBandwidthRows);
constinit const Description<Vlan> kVlan = Describe<&CheckVlan>(kVlanRows);
constinit const Description<IpAddress> kIpAddress = Describe<&CheckIp>(kIpRows);
constinit const Description<IpRoute> kIpRoute = Describe<&CheckRoute>(kRouteRows);
constinit const Description<FilterRef> kFilterRef = Describe<&SortParameters>(kFilterRows);

}  // namespace bv::model
