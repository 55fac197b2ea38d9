#include "host/firewall.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "host/netfilter.h"

namespace bv::host {

namespace {

Netfilter Kind(FirewallLayer layer) { return layer == FirewallLayer::kIpv4 ? Netfilter::kIpv4 : Netfilter::kIpv6; }

// The lines by their tables, in the syntax of iptables-save.
using Changes = std::map<std::string, std::vector<std::string>>;

std::string Format(const Changes& changes) {
  std::string text;
  for (auto& [table, lines] : changes) {
    text += "*" + table + "\n";
    for (const std::string& line : lines) text += line + "\n";
    text += "COMMIT\n";
  }
  return text;
}

// What iptables-save says of one table.
std::vector<std::string_view> LinesOf(const std::string& saved, const std::string& table) {
  std::vector<std::string_view> lines;
  bool in = false;
  for (std::string_view line : SplitAt(saved, '\n')) {
    if (line.starts_with('*')) in = line.substr(1) == table;
    else if (in) lines.push_back(line);
  }
  return lines;
}

Changes ChangesOf(const std::vector<FirewallRule>& rules, FirewallLayer layer, const char* command) {
  Changes changes;
  for (const FirewallRule& rule : rules) {
    if (rule.layer == layer) changes[rule.table].push_back(std::string(command) + " " + rule.chain + " " + rule.rule);
  }
  return changes;
}

}  // namespace

Task<> Firewall::MakeChains(FirewallLayer layer, std::vector<FirewallChain> chains) {
  auto turn = co_await NetfilterTables::Turn();
  std::string saved = co_await NetfilterTables::Save(Kind(layer), {});
  Changes changes;
  std::reverse(chains.begin(), chains.end());
  for (const FirewallChain& chain : chains) {
    auto lines = LinesOf(saved, chain.table);
    std::string head = ":" + chain.chain + " ", jump = "-A " + chain.from + " -j " + chain.chain;
    if (std::ranges::none_of(lines, [&](auto line) { return line.starts_with(head); })) changes[chain.table].push_back("-N " + chain.chain);
    if (std::ranges::find(lines, jump) == lines.end()) changes[chain.table].push_back("-I " + chain.from + " -j " + chain.chain);
  }
  if (changes.empty()) co_return;
  std::string script = Format(changes);
  co_await NetfilterTables::Restore(Kind(layer), script);
}

Task<> Firewall::Insert(std::vector<FirewallRule> rules) {
  auto turn = co_await NetfilterTables::Turn();
  for (FirewallLayer layer : {FirewallLayer::kIpv4, FirewallLayer::kIpv6}) {
    Changes changes = ChangesOf(rules, layer, "-I");
    if (changes.empty()) continue;
    std::string script = Format(changes);
    co_await NetfilterTables::Restore(Kind(layer), script);
  }
}

Task<> Firewall::Remove(std::vector<FirewallRule> rules) {
  auto turn = co_await NetfilterTables::Turn();
  for (FirewallLayer layer : {FirewallLayer::kIpv4, FirewallLayer::kIpv6}) {
    Changes changes = ChangesOf(rules, layer, "-D");
    if (changes.empty()) continue;
    std::string script = Format(changes);
    bool all = true;
    try {
      co_await NetfilterTables::Restore(Kind(layer), script);
    } catch (const Error&) {
      all = false;
    }
    if (all) continue;
    // Somebody took one of them away: one at a time then.
    for (const FirewallRule& rule : rules) {
      if (rule.layer != layer) continue;
      script = "*" + rule.table + "\n-D " + rule.chain + " " + rule.rule + "\nCOMMIT\n";
      try {
        co_await NetfilterTables::Restore(Kind(layer), script);
      } catch (const Error& e) {
        LogDebug("util.firewall", "no rule {} {} to remove: {}", rule.chain, rule.rule, e.what());
      }
    }
  }
}

}  // namespace bv::host
