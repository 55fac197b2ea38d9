// <rule> and the element of its protocol.

#include <strings.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/xml.h"
#include "model/describe/value_type.h"
#include "model/nwfilter/filter.h"

namespace bv::model {

namespace {

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kNwfilter, code, std::move(text)); }

template <typename E>
E Keyword(const xml::Node& element, const char* name) {
  auto text = element.Attr(name);
  if (!text) Fail(ErrorCode::kInternalError, std::string("a rule needs the attribute ") + name);
  auto value = FromString<E>(*text);
  if (!value) Fail(ErrorCode::kConfigUnsupported, std::string("unknown rule ") + name + " attribute value");
  return *value;
}

bool IsNo(std::string_view text) {
  return text == "0" || (text.size() == 5 && strncasecmp(text.data(), "false", 5) == 0);
}

template <typename F>
void ForEachField(const FilterProtocol& protocol, F f) {
  for (auto part : protocol.parts) {
    for (const FilterField& field : part) f(field);
  }
}

void ReadElement(const xml::Node& element, FilterRule* rule) {
  bool negated = element.AttrOr("match") == "no";
  ForEachField(*rule->protocol, [&](const FilterField& field) {
    auto text = element.Attr(field.name);
    if (!text) return;
    FilterMatch match;
    match.negated = negated;
    ReadFilterMatch(field, *text, &match);
    std::erase_if(rule->matches, [&](auto& m) { return m.field == &field; });
    // The states of all elements add up.
    if (field.type == FilterFieldType::kStates && !match.variable) rule->states |= match.number;
    rule->matches.push_back(std::move(match));
  });
}

void SortByTable(FilterRule* rule) {
  std::vector<FilterMatch> sorted;
  ForEachField(*rule->protocol, [&](const FilterField& field) {
    for (FilterMatch& match : rule->matches) {
      if (match.field == &field) sorted.push_back(std::move(match));
    }
  });
  rule->matches = std::move(sorted);
}

// What continues another value is negated with it.
void TakeSigns(FilterRule* rule) {
  for (FilterMatch& match : rule->matches) {
    std::string_view source = match.field->sign_of.empty() ? match.field->of : match.field->sign_of;
    if (source.empty()) continue;
    bool mac_mask = match.field->type == FilterFieldType::kMacMask;
    if (rule->protocol->own_signs && (mac_mask || match.field->name.starts_with("arp"))) continue;
    const FilterMatch* other = rule->Find(source);
    match.negated = other && other->negated;
  }
}

// The original means to complete the name of a set by the flag "src" and to drop a set that is not given
// wholly, but has it the wrong way round; documents that it wrote say what came of it. <all> is as it should be.
void CompleteSet(FilterRule* rule) {
  if (rule->protocol->layer == FilterLayer::kEthernet || rule->protocol->sets) return;
  bool named = rule->Find("ipset"), flagged = rule->Find("ipsetflags");
  if (named && !flagged) {
    FilterMatch flags;
    ReadFilterMatch(*rule->protocol->Find("ipsetflags"), "src", &flags);
    rule->matches.push_back(std::move(flags));
    SortByTable(rule);
  } else {
    std::erase_if(rule->matches, [](auto& m) { return m.field->name.starts_with("ipset"); });
  }
}

// Ports need a protocol that has some.
void CheckPorts(const FilterRule& rule) {
  if (rule.protocol->name != "ip" && rule.protocol->name != "ipv6") return;
  if (std::ranges::none_of(rule.matches, [](auto& m) { return m.field->name.find("port") == 3; })) return;
  constexpr std::uint32_t kWithPorts[] = {6, 17, 33, 132};
  const FilterMatch* protocol = rule.Find("protocol");
  if (protocol && std::ranges::find(kWithPorts, protocol->number) != std::end(kWithPorts)) return;
  Fail(ErrorCode::kInternalError, std::string(rule.protocol->name == "ip" ? "IP" : "IPv6") +
       " rule with ports needs the attribute protocol, which must be tcp(6), udp(17), dccp(33) or sctp(132)");
}

}  // namespace

void ReadFilterRule(const xml::Node& element, FilterRule* rule) {
  rule->action = Keyword<FilterAction>(element, "action");
  rule->direction = Keyword<FilterDirection>(element, "direction");
  auto priority = ParseNumber<std::int32_t>(element.AttrOr("priority"));
  if (priority && *priority >= kMinFilterPriority && *priority <= kMaxFilterPriority) rule->priority = *priority;
  rule->stateful = !IsNo(element.AttrOr("statematch"));
  for (const xml::Node* child = element.first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement || !child->ns.empty()) continue;
    const FilterProtocol* protocol = FindFilterProtocol(child->name);
    // The first protocol is the rule's; more elements of it add to it, those of others are ignored.
    if (!protocol || (rule->protocol && rule->protocol != protocol)) continue;
    rule->protocol = protocol;
    ReadElement(*child, rule);
  }
  if (!rule->protocol) return;
  SortByTable(rule);
  TakeSigns(rule);
  CompleteSet(rule);
  CheckPorts(*rule);
}

void WriteFilterRule(xml::Writer& out, const FilterRule& rule) {
  out.Open("rule");
  out.Attr("action", ToString(rule.action));
  out.Attr("direction", ToString(rule.direction));
  out.Attr("priority", std::to_string(rule.priority));
  if (!rule.stateful) out.Attr("statematch", "false");
  if (rule.protocol && rule.matches.empty()) out.EmptyElement(rule.protocol->name);
  // An element each for what stands together that is negated, and what is not.
  for (std::size_t i = 0; i < rule.matches.size();) {
    bool negated = rule.matches[i].negated;
    out.Open(rule.protocol->name);
    if (negated) out.Attr("match", "no");
    for (; i < rule.matches.size() && rule.matches[i].negated == negated; ++i) {
      out.Attr(rule.matches[i].field->name, rule.matches[i].ToString());
    }
    out.Close(rule.protocol->name);
  }
  out.Close("rule");
}

}  // namespace bv::model
