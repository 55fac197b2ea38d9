#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "host/netfilter.h"
#include "nwfilter/interface_rules.h"

namespace bv::nwfilter {

// A table as it is, and scripts that change an interface's part of it.
class Table {
 public:
  Table(Netfilter kind, std::string_view saved);

  // What there is of the interface, leavings of a daemon that died in the middle of a change among it.
  OwnedRules Of(const std::string& interface) const;

  // Puts `next` in the place of `old`, and at their place the chains that all interfaces share if they are needed.
  // Empty where nothing is to be done.
  std::string Replace(const OwnedRules& old, const OwnedRules& next) const;

 private:
  using Chain = OwnedRules::Chain;
  const Chain* Find(const std::string& name) const;
  void CollectFrom(const std::string& name, OwnedRules* owned) const;
  std::string BaseChains() const;

  Netfilter kind_;
  std::vector<Chain> chains_;
};

// Gives the interface these rules and no others, in all tables or in none.
Task<> Apply(std::string interface, InterfaceRules rules);
// Takes all its rules away. A table that cannot be changed is logged, and does not keep the others.
Task<> Clear(std::string interface);

}  // namespace bv::nwfilter
