#include "nwfilter/table.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace bv::nwfilter {

namespace {

constexpr Netfilter kAll[] = {Netfilter::kEthernet, Netfilter::kIpv4, Netfilter::kIpv6};

const char* TableName(Netfilter kind) { return kind == Netfilter::kEthernet ? "nat" : "filter"; }

// The chain that a rule leads to, if that is its end.
std::string TargetOf(const std::string& rule) {
  auto words = Words(rule);
  if (words.size() < 2 || (words[words.size() - 2] != "-j" && words[words.size() - 2] != "-g")) return {};
  return std::string(words.back());
}

// The jumps that come first in the kernel's chains.
struct Jump {
  const char* from;
  const char* to;
};
constexpr Jump kJumps[] = {{"INPUT", "libvirt-host-in"}, {"FORWARD", "libvirt-in"}, {"FORWARD", "libvirt-out"}, {"FORWARD", "libvirt-in-post"}};

bool Has(const OwnedRules& owned, const std::string& chain) {
  return std::ranges::any_of(owned.chains, [&](auto& c) { return c.name == chain; });
}

}  // namespace

Table::Table(Netfilter kind, std::string_view saved) : kind_(kind) {
  for (std::string_view line : SplitAt(saved, '\n')) {
    if (line.starts_with(':')) {
      chains_.push_back({std::string(line.substr(1, line.find(' ') - 1)), {}});
    } else if (line.starts_with("-A ")) {
      line.remove_prefix(3);
      std::size_t end = std::min(line.find(' '), line.size());
      std::string name(line.substr(0, end));
      auto chain = std::ranges::find(chains_, name, &Chain::name);
      if (chain != chains_.end()) chain->rules.emplace_back(line.substr(std::min(end + 1, line.size())));
    }
  }
}

const Table::Chain* Table::Find(const std::string& name) const {
  auto found = std::ranges::find(chains_, name, &Chain::name);
  return found == chains_.end() ? nullptr : &*found;
}

// The chain and all that it leads to.
void Table::CollectFrom(const std::string& name, OwnedRules* owned) const {
  const Chain* chain = Find(name);
  if (!chain || Has(*owned, name)) return;
  owned->chains.push_back(*chain);
  for (const std::string& rule : chain->rules) CollectFrom(TargetOf(rule), owned);
}

OwnedRules Table::Of(const std::string& interface) const {
  OwnedRules owned;
  // The second letters are the original's for chains that it has not finished.
  if (kind_ == Netfilter::kEthernet) {
    for (char letter : {'I', 'O', 'J', 'P'}) CollectFrom(std::string("libvirt-") + letter + "-" + interface, &owned);
  } else {
    for (const char* prefix : {"FI-", "FO-", "HI-", "FJ-", "FP-", "HJ-"}) CollectFrom(prefix + interface, &owned);
  }
  const std::string post = "-m physdev --physdev-in " + interface + " -j ACCEPT";
  for (const Chain& chain : chains_) {
    if (Has(owned, chain.name)) continue;
    for (const std::string& rule : chain.rules) {
      if (Has(owned, TargetOf(rule)) || (chain.name == "libvirt-in-post" && rule == post)) owned.links.emplace_back(chain.name, rule);
    }
  }
  return owned;
}

std::string Table::BaseChains() const {
  std::string script;
  for (const Jump& jump : kJumps) {
    if (!Find(jump.to)) script += std::string(":") + jump.to + " - [0:0]\n";
  }
  for (const char* from : {"INPUT", "FORWARD"}) {
    std::vector<std::string> wanted;
    for (const Jump& jump : kJumps) {
      if (std::string_view(jump.from) == from) wanted.push_back(std::string("-j ") + jump.to);
    }
    const Chain* chain = Find(from);
    std::vector<std::string> rules = chain ? chain->rules : std::vector<std::string>();
    if (rules.size() >= wanted.size() && std::equal(wanted.begin(), wanted.end(), rules.begin())) continue;
    for (const std::string& rule : rules) {
      if (std::ranges::find(wanted, rule) != wanted.end()) script += std::string("-D ") + from + " " + rule + "\n";
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) script += std::string("-I ") + from + " " + std::to_string(i + 1) + " " + wanted[i] + "\n";
  }
  return script;
}

std::string Table::Replace(const OwnedRules& old, const OwnedRules& next) const {
  if (old.empty() && next.empty()) return {};
  bool ethernet = kind_ == Netfilter::kEthernet;
  std::string script = std::string("*") + TableName(kind_) + "\n";
  // Declaring a chain makes or empties it.
  for (const Chain& chain : next.chains) script += ":" + chain.name + (ethernet ? " ACCEPT\n" : " - [0:0]\n");
  if (!next.empty() && !ethernet) script += BaseChains();
  for (auto& [chain, rule] : old.links) script += "-D " + chain + " " + rule + "\n";
  for (const Chain& chain : old.chains) {
    if (!Has(next, chain.name)) script += "-F " + chain.name + "\n";
  }
  for (const Chain& chain : next.chains) {
    for (const std::string& rule : chain.rules) script += "-A " + chain.name + " " + rule + "\n";
  }
  for (auto& [chain, rule] : next.links) script += "-A " + chain + " " + rule + "\n";
  for (const Chain& chain : old.chains) {
    if (!Has(next, chain.name)) script += "-X " + chain.name + "\n";
  }
  return script + "COMMIT\n";
}

namespace {

struct Change {
  Netfilter kind;
  OwnedRules before;
};

Task<> Put(Netfilter kind, OwnedRules next, std::string interface, OwnedRules* before) {
  std::string saved = co_await NetfilterTables::Save(kind, TableName(kind));
  Table table(kind, saved);
  *before = table.Of(interface);
  std::string script = table.Replace(*before, next);
  if (!script.empty()) co_await NetfilterTables::Restore(kind, script);
}

}  // namespace

Task<> Apply(std::string interface, InterfaceRules rules) {
  auto turn = co_await NetfilterTables::Turn();
  std::vector<Change> done;
  std::exception_ptr failure;
  for (Netfilter kind : kAll) {
    OwnedRules before;
    try {
      co_await Put(kind, rules.of(kind), interface, &before);
      done.push_back({kind, std::move(before)});
    } catch (const Error&) {
      failure = std::current_exception();
      break;
    }
  }
  if (!failure) co_return;
  for (Change& change : done) {
    OwnedRules ignored;
    try {
      co_await Put(change.kind, change.before, interface, &ignored);
    } catch (const Error& e) {
      LogError("nwfilter", "Cannot bring back the rules of {}: {}", interface, e.what());
    }
  }
  std::rethrow_exception(failure);
}

Task<> Clear(std::string interface) {
  auto turn = co_await NetfilterTables::Turn();
  for (Netfilter kind : kAll) {
    OwnedRules none, before;
    try {
      co_await Put(kind, none, interface, &before);
    } catch (const Error& e) {
      LogError("nwfilter", "Cannot remove the rules of {}: {}", interface, e.what());
    }
  }
}

}  // namespace bv::nwfilter
