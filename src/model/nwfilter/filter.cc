#include "model/nwfilter/filter.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/xml.h"
#include "model/describe/value_type.h"

namespace bv::model {

namespace {

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kNwfilter, code, std::move(text)); }

struct Chain {
  std::string_view prefix;
  int priority;
};
// Where a chain stands when its filter does not say it.
constexpr Chain kChains[] = {{"mac", -800}, {"vlan", -750}, {"stp", 0}, {"arp", -500}, {"rarp", -400}, {"ipv4", -700}, {"ipv6", -600}};
constexpr std::size_t kMaxChainName = 12;
constexpr std::string_view kParameterValue = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:";

void ReadChain(const xml::Node& element, FilterDef* filter) {
  if (auto chain = element.Attr("chain"); chain && !chain->empty()) filter->chain = *chain;
  const std::string& chain = filter->chain;
  if (chain != "root") {
    if (chain.size() > kMaxChainName) Fail(ErrorCode::kInvalidArg, "Name of chain is longer than " + std::to_string(kMaxChainName) + " characters");
    if (!std::ranges::all_of(chain, [](unsigned char c) { return std::isalnum(c) || std::string_view("_-.:").find(static_cast<char>(c)) != std::string_view::npos; })) {
      Fail(ErrorCode::kInvalidArg, "Chain name contains invalid characters");
    }
    auto known = std::ranges::find_if(kChains, [&](auto& c) { return chain.starts_with(c.prefix); });
    if (known == std::end(kChains)) {
      Fail(ErrorCode::kInvalidArg, "Invalid chain name '" + chain + "': it must be 'root' or begin with mac, vlan, stp, arp, rarp, ipv4 or ipv6");
    }
    filter->chain_priority = known->priority;
  }
  auto text = element.Attr("priority");
  if (!text || text->empty()) return;
  auto priority = ParseNumber<std::int32_t>(*text);
  if (!priority) Fail(ErrorCode::kInvalidArg, "Could not parse chain priority '" + std::string(*text) + "'");
  if (*priority < kMinFilterPriority || *priority > kMaxFilterPriority) {
    Fail(ErrorCode::kInvalidArg, "Priority '" + std::to_string(*priority) + "' is outside valid range of [-1000,1000]");
  }
  filter->chain_priority = *priority;
}

// What a rule or a reference is.
void ReadEntries(const xml::Node& root, FilterDef* filter) {
  for (const xml::Node* child = root.first_child; child; child = child->next) {
    if (child->Is("rule")) {
      ReadFilterRule(*child, &std::get<FilterRule>(filter->entries.emplace_back(FilterRule())));
    } else if (child->Is("filterref")) {
      ReadFilterRef(*child, &std::get<FilterRef>(filter->entries.emplace_back(FilterRef())));
    }
  }
}

// --- what the schema knows -----------------------------------------------------------------------

[[noreturn]] void Invalid(const xml::Node& node, const std::string& what) {
  throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, xml::PathOf(node) + ": " + what);
}

void CheckNames(const xml::Node& element, std::initializer_list<std::string_view> attributes, std::initializer_list<std::string_view> children) {
  for (auto* a = element.attributes; a; a = a->next) {
    if (a->prefix.empty() && std::ranges::find(attributes, a->name) == attributes.end()) {
      Invalid(element, "unexpected attribute '" + std::string(a->name) + "'");
    }
  }
  for (const xml::Node* child = element.first_child; child; child = child->next) {
    if (child->kind == xml::Node::Kind::kElement && child->ns.empty() && std::ranges::find(children, child->name) == children.end()) {
      Invalid(*child, "unexpected element");
    }
  }
}

void CheckRule(const xml::Node& rule) {
  CheckNames(rule, {"action", "direction", "priority", "statematch"}, {rule.first_child ? rule.first_child->name : ""});
  for (const xml::Node* child = rule.first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement || !child->ns.empty()) continue;
    const FilterProtocol* protocol = FindFilterProtocol(child->name);
    if (!protocol) Invalid(*child, "unexpected element");
    if (child->Next(child->name)) Invalid(*child, "element may be there once");
    for (auto* a = child->attributes; a; a = a->next) {
      if (a->prefix.empty() && a->name != "match" && !protocol->Find(a->name)) {
        Invalid(*child, "unexpected attribute '" + std::string(a->name) + "'");
      }
    }
    if (auto match = child->Attr("match"); match && *match != "yes" && *match != "no") Invalid(*child, "bad value of attribute 'match'");
  }
}

void CheckFilter(const xml::Node& root) {
  CheckNames(root, {"name", "chain", "priority"}, {"uuid", "rule", "filterref"});
  for (const xml::Node* child = root.first_child; child; child = child->next) {
    if (child->Is("rule")) CheckRule(*child);
    if (child->Is("filterref")) CheckNames(*child, {"filter"}, {"parameter"});
  }
}

}  // namespace

const FilterMatch* FilterRule::Find(std::string_view field) const {
  auto found = std::ranges::find_if(matches, [&](auto& m) { return m.field->name == field; });
  return found == matches.end() ? nullptr : &*found;
}

void ReadFilterRef(const xml::Node& element, FilterRef* ref) {
  auto filter = element.Attr("filter");
  if (!filter) Fail(ErrorCode::kInternalError, "a reference to a filter needs its name");
  ref->filter = *filter;
  for (const xml::Node* p = element.Child("parameter"); p; p = p->Next("parameter")) {
    auto name = p->Attr("name"), value = p->Attr("value");
    if (!name || !value || !IsFilterParameterName(*name) || value->empty()) continue;
    if (value->find_first_not_of(kParameterValue) != std::string_view::npos) continue;
    ref->parameters.push_back({std::string(*name), std::string(*value)});
  }
  std::ranges::stable_sort(ref->parameters, {}, &FilterParameter::name);
}

void WriteFilterRef(xml::Writer& out, const FilterRef& ref) {
  out.Open("filterref");
  out.Attr("filter", ref.filter);
  for (const FilterParameter& parameter : ref.parameters) {
    out.Open("parameter");
    out.Attr("name", parameter.name);
    out.Attr("value", parameter.value);
    out.Close("parameter");
  }
  out.Close("filterref");
}

FilterDef ParseFilter(std::string_view xml, bool validate) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNwfilter, "nwfilter_definition", "filter");
  const xml::Node& root = document.root();
  if (validate) CheckFilter(root);
  FilterDef filter;
  filter.name = root.AttrOr("name");
  if (filter.name.empty()) Fail(ErrorCode::kInternalError, "filter has no name");
  ReadChain(root, &filter);
  auto uuid = root.ChildText("uuid");
  filter.has_uuid = uuid && !uuid->empty();
  if (filter.has_uuid) {
    auto parsed = Uuid::Parse(*uuid);
    if (!parsed) Fail(ErrorCode::kXmlError, "malformed uuid element");
    filter.uuid = *parsed;
  } else {
    filter.uuid = Uuid::Generate();
  }
  ReadEntries(root, &filter);
  return filter;
}

std::string FormatFilter(const FilterDef& filter, bool whole) {
  xml::Writer out;
  out.Open("filter");
  out.Attr("name", filter.name);
  out.Attr("chain", filter.chain);
  if (filter.chain != "root" && (whole || filter.chain_priority != 0)) out.Attr("priority", std::to_string(filter.chain_priority));
  out.TextElement("uuid", filter.uuid.ToString());
  for (const auto& entry : filter.entries) {
    if (auto* rule = std::get_if<FilterRule>(&entry)) WriteFilterRule(out, *rule);
    else WriteFilterRef(out, std::get<FilterRef>(entry));
  }
  out.Close("filter");
  return out.Take();
}

}  // namespace bv::model
