#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/netfilter.h"
#include "model/nwfilter/filter.h"
#include "nwfilter/variables.h"

namespace bv::nwfilter {

// What one interface has of a table: chains of its own, and the rules in others' chains that lead to them.
// Rules are as iptables-save writes them, without the chain.
struct OwnedRules {
  struct Chain {
    std::string name;
    std::vector<std::string> rules;
  };
  std::vector<Chain> chains;
  std::vector<std::pair<std::string, std::string>> links;  // chain, rule

  bool empty() const { return chains.empty() && links.empty(); }
};

// All rules of an interface, by table.
struct InterfaceRules {
  OwnedRules ethernet, ipv4, ipv6;

  OwnedRules& of(Netfilter kind) { return kind == Netfilter::kEthernet ? ethernet : kind == Netfilter::kIpv4 ? ipv4 : ipv6; }
};

// A filter by name; null when there is none.
using FindFilter = std::function<const model::FilterDef*(const std::string&)>;

// The filter's and its references' variables (and elements of lists) that have no value. Throws
// kInternalError when a filter is not there.
std::set<std::string> Missing(const FindFilter& find, const std::string& filter, const Variables& variables);

// Throws as above, and as ForEachInstance() and EthernetWords() do.
InterfaceRules MakeRules(const FindFilter& find, const std::string& filter, const std::string& interface, const Variables& variables);

// What an interface may do while its address is being learned from what its guest sends: speak, by its own MAC address.
InterfaceRules RulesWhileLearning(const std::string& interface, const std::string& mac);
// Nothing but asking for an address by DHCP, of one of `servers` if there are any.
InterfaceRules RulesForDhcp(const std::string& interface, const std::string& mac, const std::vector<std::string>& servers);

}  // namespace bv::nwfilter
