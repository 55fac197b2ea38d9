#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/nwfilter/filter.h"
#include "nwfilter/variables.h"

namespace bv::nwfilter {

using RuleWords = std::vector<std::string>;

// An instance of a rule as arguments of ebtables, without chain and with the target, for packets that the
// guest sends (`outgoing`) or gets. Throws kInternalError (domain kNwfilter) for what cannot be said.
RuleWords EthernetWords(const model::FilterRule& rule, const Values& values, bool outgoing);

// A rule about what is above IP stands in three chains, which look at packets on their way from the guest
// to other guests and hosts (FI), to the guest (FO), and from the guest to this host (HI).
enum class IpChain { kFromGuest, kToGuest, kToHost };

// An instance of such a rule as arguments of iptables; nullopt where the chain has none of it.
std::optional<RuleWords> IpWords(const model::FilterRule& rule, const Values& values, IpChain chain);

}  // namespace bv::nwfilter
