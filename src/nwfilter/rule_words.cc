#include "nwfilter/rule_words.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"

namespace bv::nwfilter {

using model::FilterAction;
using model::FilterDirection;
using model::FilterField;
using model::FilterFieldType;
using model::FilterLayer;
using model::FilterMatch;
using model::FilterRule;
using Use = model::FilterFieldUse;

namespace {

[[noreturn]] void Fail(const char* text) { throw Error(ErrorDomain::kNwfilter, ErrorCode::kInternalError, text); }

std::string Hex(std::uint32_t number) {
  char text[16];
  snprintf(text, sizeof text, "0x%x", number);
  return text;
}

// The words of one rule as they come about.
class Sentence {
 public:
  // `reversed`: the rule is written from the other end of the packet's way.
  Sentence(const FilterRule& rule, const Values& values, bool reversed) : rule_(rule), values_(values), reversed_(reversed) {}

  void Add(std::string_view word) { words_.emplace_back(word); }
  void Add(std::string_view module, std::string_view option, bool negated, std::string value) {
    if (!module.empty()) Add("-m"), Add(module);
    // ebtables and iptables both take the mark here; only iptables likes it before the option.
    if (rule_.protocol->layer == FilterLayer::kEthernet) {
      Add(option);
      if (negated) Add("!");
    } else {
      if (negated) Add("!");
      Add(option);
    }
    Add(value);
  }

  std::string ValueOf(const FilterMatch& match) const {
    if (match.variable) return values_.at(match.variable->ToString());
    switch (match.field->type) {
      case FilterFieldType::kNumber: case FilterFieldType::kDecimal: case FilterFieldType::kEtherType:
      case FilterFieldType::kArpOpcode: case FilterFieldType::kIpProtocol:
        return match.field->use == Use::kHex ? Hex(match.number) : std::to_string(match.number);
      default: return match.ToString();
    }
  }

  // The value and what continues it.
  std::string WholeValueOf(const FilterMatch& match) const {
    std::string value = ValueOf(match);
    for (const FilterMatch& other : rule_.matches) {
      if (other.field->of == match.field->name) value += other.field->join + ValueOf(other);
    }
    return value;
  }

  std::string_view OptionOf(const FilterField& field) const {
    return reversed_ && !field.reversed.empty() ? field.reversed : field.option;
  }

  void AddMatch(const FilterMatch& match) {
    Add(match.field->module, OptionOf(*match.field), match.negated, WholeValueOf(match));
  }

  RuleWords Take() { return std::move(words_); }

 private:
  const FilterRule& rule_;
  const Values& values_;
  const bool reversed_;
  RuleWords words_;
};

// "--ip6-icmp-type TYPE:TYPE/CODE:CODE": what is not said is everything.
void AddIcmpRange(Sentence& sentence, const FilterRule& rule) {
  const char* kNames[] = {"type", "typeend", "code", "codeend"};
  const FilterMatch* found[4];
  const FilterMatch* first = nullptr;
  for (int i = 0; i < 4; ++i) {
    found[i] = rule.Find(kNames[i]);
    if (!first) first = found[i];
  }
  auto range = [&](const FilterMatch* from, const FilterMatch* to) {
    std::string low = from ? sentence.ValueOf(*from) : "0";
    if (!from && !to) return std::string("0:255");
    return low + ":" + (to ? sentence.ValueOf(*to) : low);
  };
  sentence.Add("", rule.protocol->Find("type")->option, first->negated, range(found[0], found[1]) + "/" + range(found[2], found[3]));
}

std::string StatesText(unsigned states) {
  std::string text;
  auto add = [&](unsigned state, const char* name) {
    if (states & state) text += (text.empty() ? "" : ",") + std::string(name);
  };
  add(model::kNewState, "NEW");
  add(model::kEstablishedState, "ESTABLISHED");
  add(model::kRelatedState, "RELATED");
  add(model::kInvalidState, "INVALID");
  return text;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

}  // namespace

RuleWords EthernetWords(const FilterRule& rule, const Values& values, bool outgoing) {
  // Rules for both directions are written as for what the guest gets.
  bool reversed = outgoing && rule.direction == FilterDirection::kInOut;
  Sentence sentence(rule, values, reversed);
  if (rule.protocol) {
    if (rule.protocol->name == "stp" && reversed && rule.Find("srcmacaddr")) {
      Fail("a rule about STP in both directions cannot name a source MAC address");
    }
    if (!rule.protocol->option.empty()) sentence.Add(rule.protocol->option), sentence.Add(rule.protocol->value);
    bool icmp_said = false;
    for (const FilterMatch& match : rule.matches) {
      if (match.field->use == Use::kNone || !match.field->of.empty()) continue;
      if (match.field->use == Use::kFlag) {
        if (!match.number) continue;
        if (match.negated) sentence.Add("!");
        sentence.Add(match.field->option);
      } else if (match.field->use == Use::kIcmpRange) {
        if (!icmp_said) AddIcmpRange(sentence, rule);
        icmp_said = true;
      } else {
        sentence.AddMatch(match);
      }
    }
  }
  sentence.Add("-j");
  // ebtables has no REJECT.
  sentence.Add(Upper(ToString(rule.action == FilterAction::kReject ? FilterAction::kDrop : rule.action)));
  return sentence.Take();
}

std::optional<RuleWords> IpWords(const FilterRule& rule, const Values& values, IpChain chain) {
  bool in = rule.direction != FilterDirection::kOut, inout = rule.direction == FilterDirection::kInOut;
  bool to_guest = chain == IpChain::kToGuest;
  bool reversed = to_guest ? !in : in;  // rules for both directions are written as for what the guest gets
  bool named_states = rule.stateful && rule.states != 0;

  // A rule that names states is for the packets of its own direction only.
  if (named_states && !inout && in != to_guest) return std::nullopt;
  // A type of ICMP has no answer of that type.
  const FilterMatch* icmp = rule.Find("type");
  bool one_way = chain == IpChain::kToHost ? in : inout || in != to_guest;
  if (icmp && icmp->field->use == Use::kIcmp && one_way) return std::nullopt;

  Sentence sentence(rule, values, reversed);
  sentence.Add(rule.protocol->option);
  sentence.Add(rule.protocol->value);
  // What can be said of one direction only leaves the rule out of the other's chains, or itself out of the rule.
  bool mac_left_out = false, limited = false, other = false;
  for (const FilterMatch& match : rule.matches) {
    const FilterField& field = *match.field;
    if (!field.of.empty()) continue;
    switch (field.use) {
      case Use::kPlain: case Use::kHex: case Use::kIcmp: case Use::kRange:
        if (field.module == "mac" && reversed) {
          mac_left_out = true;
          continue;
        }
        if (!field.instead_of.empty() && rule.Find(field.instead_of)) continue;
        sentence.AddMatch(match);
        other = true;
        break;
      case Use::kTcpFlags: {
        std::string both = sentence.ValueOf(match);
        std::size_t slash = std::min(both.find('/'), both.size());
        sentence.Add("", field.option, match.negated, both.substr(0, slash));
        sentence.Add(both.substr(std::min(slash + 1, both.size())));
        other = true;
        break;
      }
      case Use::kOutgoing:
        if (reversed) return std::nullopt;
        limited = true;
        break;
      default: break;
    }
  }
  if (mac_left_out && !other) return std::nullopt;

  bool accepts = rule.action == FilterAction::kAccept;
  bool judged = accepts && rule.stateful && !limited;
  if (named_states && !(accepts && limited)) {
    std::string states = (rule.states & model::kNoState) ? "" : StatesText(rule.states);
    if (!states.empty()) sentence.Add("conntrack", "--ctstate", false, states);
  } else if (!named_states && judged && !inout) {
    bool begins = in == to_guest;  // the direction that the rule lets connections begin in
    sentence.Add("conntrack", "--ctstate", false, begins ? "NEW,ESTABLISHED" : "ESTABLISHED");
    if (!icmp) sentence.Add("conntrack", "--ctdir", false, begins ? "ORIGINAL" : "REPLY");
  }
  for (const FilterMatch& match : rule.matches) {
    if (match.field->use == Use::kOutgoing || match.field->use == Use::kLate) sentence.AddMatch(match);
    const FilterMatch* flags = match.field->use == Use::kSet ? rule.Find("ipsetflags") : nullptr;
    if (!flags) continue;
    if (!rule.protocol->sets) Fail("sets can be asked for by <all> and <all-ipv6> only");
    sentence.AddMatch(match);
    sentence.Add(sentence.ValueOf(*flags));
  }
  sentence.Add("-j");
  sentence.Add(accepts ? (to_guest ? "ACCEPT" : "RETURN") : Upper(ToString(rule.action)));
  return sentence.Take();
}

}  // namespace bv::nwfilter
