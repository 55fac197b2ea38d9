#include "nwfilter/interface_rules.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "nwfilter/rule_words.h"

namespace bv::nwfilter {

using model::FilterDef;
using model::FilterDirection;
using model::FilterLayer;
using model::FilterRef;
using model::FilterRule;

namespace {

const FilterDef& Get(const FindFilter& find, const std::string& name) {
  if (const FilterDef* filter = find(name)) return *filter;
  throw Error(ErrorDomain::kNwfilter, ErrorCode::kInternalError, "referenced filter '" + name + "' is missing");
}

// Every rule of a filter and of what it refers to, in order.
void ForEachRule(const FindFilter& find, const std::string& name, const Variables& variables,
                 const std::function<void(const FilterDef&, const FilterRule&, const Variables&)>& f) {
  const FilterDef& filter = Get(find, name);
  for (const auto& entry : filter.entries) {
    if (auto* rule = std::get_if<FilterRule>(&entry)) {
      f(filter, *rule, variables);
    } else {
      const FilterRef& ref = std::get<FilterRef>(entry);
      ForEachRule(find, ref.filter, Merge(variables, ref.parameters), f);
    }
  }
}

struct PlacedRule {
  const FilterRule* rule;
  std::string chain;
  int chain_priority;
  Variables variables;

  bool InRoot() const { return chain == "root"; }
  FilterLayer layer() const { return rule->protocol ? rule->protocol->layer : FilterLayer::kEthernet; }
};

std::string Join(const RuleWords& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + NetfilterWord(word);
  return line;
}

// --- Ethernet ------------------------------------------------------------------------------------

// What packets a chain is for, by the beginning of its name.
struct ChainKind {
  std::string_view prefix, match;
};
constexpr ChainKind kChainKinds[] = {{"ipv4", "-p 0x800 "}, {"ipv6", "-p 0x86dd "}, {"arp", "-p 0x806 "},
                                     {"rarp", "-p 0x8035 "}, {"vlan", "-p 0x8100 "}, {"stp", "-d 01:80:c2:00:00:00 "}};

std::string_view MatchOf(std::string_view chain) {
  for (const ChainKind& kind : kChainKinds) {
    if (chain.starts_with(kind.prefix)) return kind.match;
  }
  return "";
}

// One of the two directions.
struct Side {
  char letter;
  const char* base;    // the chain that leads to ours
  const char* option;  // how it tells the interface
  bool outgoing;       // from the guest

  std::string Root(const std::string& interface) const { return std::string("libvirt-") + letter + "-" + interface; }
  std::string Chain(const std::string& interface, const std::string& chain) const {
    return std::string(1, letter) + "-" + interface + "-" + chain;
  }
  bool Has(const FilterRule& rule) const {
    return rule.direction == FilterDirection::kInOut || outgoing == (rule.direction == FilterDirection::kOut);
  }
};
constexpr Side kFromGuest{'I', "PREROUTING", "-i", true}, kToGuest{'O', "POSTROUTING", "-o", false};

OwnedRules::Chain& ChainNamed(OwnedRules* owned, const std::string& name) {
  for (auto& chain : owned->chains) {
    if (chain.name == name) return chain;
  }
  return owned->chains.emplace_back(OwnedRules::Chain{name, {}});
}

void AddRoot(OwnedRules* owned, const Side& side, const std::string& interface) {
  ChainNamed(owned, side.Root(interface));
  owned->links.emplace_back(side.base, std::string(side.option) + " " + interface + " -j " + side.Root(interface));
}

void AddEthernet(OwnedRules* owned, const Side& side, const std::string& interface, const std::vector<PlacedRule>& rules) {
  std::map<std::pair<int, std::string>, bool> linked;  // the chains by priority and name
  bool any = false;
  for (const PlacedRule& placed : rules) {
    if (placed.layer() != FilterLayer::kEthernet || !side.Has(*placed.rule)) continue;
    any = true;
    if (!placed.InRoot()) linked[{placed.chain_priority, placed.chain}] = false;
  }
  if (!any) return;
  AddRoot(owned, side, interface);
  // A chain has its place among the rules of the root chain by its priority, before rules of the same.
  auto next = linked.begin();
  auto link_up_to = [&](int priority) {
    for (; next != linked.end() && next->first.first <= priority; ++next) {
      std::string name = side.Chain(interface, next->first.second);
      ChainNamed(owned, name);
      ChainNamed(owned, side.Root(interface)).rules.push_back(std::string(MatchOf(next->first.second)) + "-j " + name);
    }
  };
  for (const PlacedRule& placed : rules) {
    if (placed.layer() != FilterLayer::kEthernet || !side.Has(*placed.rule)) continue;
    if (placed.InRoot()) link_up_to(placed.rule->priority);
    std::string name = placed.InRoot() ? side.Root(interface) : side.Chain(interface, placed.chain);
    ForEachInstance(*placed.rule, placed.variables, [&](const Values& values) {
      ChainNamed(owned, name).rules.push_back(Join(EthernetWords(*placed.rule, values, side.outgoing)));
    });
  }
  link_up_to(model::kMaxFilterPriority);
}

// --- IP ------------------------------------------------------------------------------------------

void AddIp(OwnedRules* owned, FilterLayer layer, const std::string& interface, const std::vector<PlacedRule>& rules) {
  if (std::ranges::none_of(rules, [&](auto& placed) { return placed.layer() == layer; })) return;
  struct Kind {
    IpChain chain;
    const char* prefix;
  };
  for (Kind kind : {Kind{IpChain::kFromGuest, "FI-"}, {IpChain::kToGuest, "FO-"}, {IpChain::kToHost, "HI-"}}) {
    auto& chain = owned->chains.emplace_back(OwnedRules::Chain{kind.prefix + interface, {}});
    for (const PlacedRule& placed : rules) {
      if (placed.layer() != layer) continue;
      ForEachInstance(*placed.rule, placed.variables, [&](const Values& values) {
        if (auto words = IpWords(*placed.rule, values, kind.chain)) chain.rules.push_back(Join(*words));
      });
    }
  }
  const std::string from = "-m physdev --physdev-in " + interface, to = "-m physdev --physdev-out " + interface;
  owned->links = {{"libvirt-out", to + " --physdev-is-bridged -g FO-" + interface},
                  {"libvirt-in", from + " -g FI-" + interface},
                  {"libvirt-host-in", from + " -g HI-" + interface},
                  {"libvirt-in-post", from + " -j ACCEPT"}};
}

}  // namespace

std::set<std::string> Missing(const FindFilter& find, const std::string& filter, const Variables& variables) {
  std::set<std::string> missing;
  ForEachRule(find, filter, variables, [&](const FilterDef&, const FilterRule& rule, const Variables& known) {
    FindMissing(rule, known, &missing);
  });
  return missing;
}

InterfaceRules MakeRules(const FindFilter& find, const std::string& filter, const std::string& interface, const Variables& variables) {
  std::vector<PlacedRule> rules;
  ForEachRule(find, filter, variables, [&](const FilterDef& of, const FilterRule& rule, const Variables& known) {
    rules.push_back({&rule, of.chain, of.chain_priority, known});
  });
  std::ranges::stable_sort(rules, [](const PlacedRule& a, const PlacedRule& b) {
    return std::pair(!a.InRoot(), a.rule->priority) < std::pair(!b.InRoot(), b.rule->priority);
  });
  InterfaceRules all;
  AddEthernet(&all.ethernet, kFromGuest, interface, rules);
  AddEthernet(&all.ethernet, kToGuest, interface, rules);
  AddIp(&all.ipv4, FilterLayer::kIpv4, interface, rules);
  AddIp(&all.ipv6, FilterLayer::kIpv6, interface, rules);
  return all;
}

InterfaceRules RulesWhileLearning(const std::string& interface, const std::string& mac) {
  InterfaceRules all;
  AddRoot(&all.ethernet, kFromGuest, interface);
  all.ethernet.chains.front().rules = {"-s ! " + mac + " -j DROP", "-p 0x800 -j ACCEPT", "-p 0x806 -j ACCEPT", "-j DROP"};
  return all;
}

InterfaceRules RulesForDhcp(const std::string& interface, const std::string& mac, const std::vector<std::string>& servers) {
  constexpr const char* kAsk = " --ip-protocol udp --ip-sport 68 --ip-dport 67 -j ACCEPT";
  constexpr const char* kAnswer = " --ip-protocol udp --ip-sport 67 --ip-dport 68 -j ACCEPT";
  InterfaceRules all;
  AddRoot(&all.ethernet, kFromGuest, interface);
  AddRoot(&all.ethernet, kToGuest, interface);
  all.ethernet.chains[0].rules = {"-p 0x800 -s " + mac + kAsk, "-j DROP"};
  auto& to_guest = all.ethernet.chains[1].rules;
  std::vector<std::string> sources;
  for (const std::string& server : servers) sources.push_back(" --ip-source " + server);
  if (sources.empty()) sources.push_back("");
  for (const std::string& source : sources) {
    for (const std::string& to : {mac, std::string("ff:ff:ff:ff:ff:ff")}) to_guest.push_back("-p 0x800 -d " + to + source + kAnswer);
  }
  to_guest.push_back("-j DROP");
  return all;
}

}  // namespace bv::nwfilter
