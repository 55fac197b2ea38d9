#pragma once

#include <string>
#include <vector>

#include "base/task.h"

namespace bv::host {

enum class FirewallLayer { kIpv4, kIpv6 };

// One rule, as iptables-save writes it after the chain: {"filter", "LIBVIRT_INP", "-i virbr0 -p udp -m udp --dport 53 -j ACCEPT"}.
struct FirewallRule {
  FirewallLayer layer;
  std::string table, chain, rule;
};

// A chain of ours that the kernel's own chain `from` goes through first.
struct FirewallChain {
  std::string table, chain, from;
};

// The host's packet filter, by iptables and ip6tables. A whole list of rules is one transaction a layer, and so one
// process; lists of different callers do not mix. Throws kInternalError (domain kFirewall) with what the tool says.
class Firewall {
 public:
  // Makes what is missing of `chains`, and leads there from the last to the first: the first is gone through first.
  static Task<> MakeChains(FirewallLayer layer, std::vector<FirewallChain> chains);
  // Each goes to the head of its chain: the last one will be the first there.
  static Task<> Insert(std::vector<FirewallRule> rules);
  // Those that are there.
  static Task<> Remove(std::vector<FirewallRule> rules);
};

}  // namespace bv::host
