#include "host/firewall.h"

#include <algorithm>
#include <map>

#include "base/command.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wait.h"

namespace bv::host {

namespace {

constexpr std::chrono::seconds kPatience{60};  // for others that hold the tables

const char* Tool(FirewallLayer layer) { return layer == FirewallLayer::kIpv4 ? "iptables" : "ip6tables"; }

AsyncMutex& Tables() {
  static AsyncMutex mutex;
  return mutex;
}

Command Make(std::string program, std::vector<std::string> arguments) {
  Command command;
  command.argv.push_back(std::move(program));
  for (std::string& argument : arguments) command.argv.push_back(std::move(argument));
  command.environment.emplace_back("LC_ALL", "C");
  return command;
}

[[noreturn]] void Throw(const std::string& what, const CommandResult& result) {
  throw Error(ErrorDomain::kFirewall, ErrorCode::kInternalError,
              "Failed to apply firewall rules " + what + ": " + (result.errors.empty() ? result.Describe() : result.errors));
}

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

Task<CommandResult> Restore(FirewallLayer layer, Changes changes) {
  Command command = Make(std::string(Tool(layer)) + "-restore", {"-w", "--noflush"});
  std::string input = Format(changes);
  co_return co_await Run(std::move(command), std::move(input), Clock::now() + kPatience);
}

Task<std::string> Saved(FirewallLayer layer) {
  Command command = Make(std::string(Tool(layer)) + "-save", {});
  auto result = co_await Run(std::move(command), {}, Clock::now() + kPatience);
  if (!result.ok()) Throw(std::string(Tool(layer)) + "-save", result);
  co_return result.output;
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
  auto lock = co_await Tables().Acquire();
  std::string saved = co_await Saved(layer);
  Changes changes;
  std::reverse(chains.begin(), chains.end());
  for (const FirewallChain& chain : chains) {
    auto lines = LinesOf(saved, chain.table);
    std::string head = ":" + chain.chain + " ", jump = "-A " + chain.from + " -j " + chain.chain;
    if (std::ranges::none_of(lines, [&](auto line) { return line.starts_with(head); })) changes[chain.table].push_back("-N " + chain.chain);
    if (std::ranges::find(lines, jump) == lines.end()) changes[chain.table].push_back("-I " + chain.from + " -j " + chain.chain);
  }
  if (changes.empty()) co_return;
  auto result = co_await Restore(layer, changes);
  if (!result.ok()) Throw(std::string(Tool(layer)) + "-restore", result);
}

Task<> Firewall::Insert(std::vector<FirewallRule> rules) {
  auto lock = co_await Tables().Acquire();
  for (FirewallLayer layer : {FirewallLayer::kIpv4, FirewallLayer::kIpv6}) {
    Changes changes = ChangesOf(rules, layer, "-I");
    if (changes.empty()) continue;
    auto result = co_await Restore(layer, changes);
    if (!result.ok()) Throw(std::string(Tool(layer)) + "-restore", result);
  }
}

Task<> Firewall::Remove(std::vector<FirewallRule> rules) {
  auto lock = co_await Tables().Acquire();
  for (FirewallLayer layer : {FirewallLayer::kIpv4, FirewallLayer::kIpv6}) {
    Changes changes = ChangesOf(rules, layer, "-D");
    if (changes.empty()) continue;
    auto all = co_await Restore(layer, changes);
    if (all.ok()) continue;
    // Somebody took one of them away: one at a time then.
    for (const FirewallRule& rule : rules) {
      if (rule.layer != layer) continue;
      std::vector<std::string> arguments = {"-w", "--table", rule.table, "-D", rule.chain};
      for (std::string_view word : Words(rule.rule)) arguments.emplace_back(word);
      Command command = Make(Tool(layer), std::move(arguments));
      auto one = co_await Run(std::move(command), {}, Clock::now() + kPatience);
      if (!one.ok()) LogDebug("util.firewall", "no rule {} {} to remove: {}", rule.chain, rule.rule, one.errors);
    }
  }
}

}  // namespace bv::host
