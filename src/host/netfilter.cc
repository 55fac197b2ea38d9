#include "host/netfilter.h"

#include <cctype>
#include <cerrno>

#include "base/command.h"
#include "base/error.h"

namespace bv {

namespace {

constexpr auto kPatience = std::chrono::seconds(60);  // other programs hold the lock meanwhile

struct Programs {
  const char* save;
  const char* restore;
};
constexpr Programs kPrograms[] = {
    {"iptables-save", "iptables-restore"}, {"ip6tables-save", "ip6tables-restore"}, {"ebtables-save", "ebtables-restore"}};

const Programs& For(Netfilter kind) { return kPrograms[static_cast<int>(kind)]; }

[[noreturn]] void ThrowRefused(const std::vector<std::string>& argv, const CommandResult& result) {
  std::string words;
  for (const std::string& word : argv) words += word + " ";
  throw Error(ErrorDomain::kFirewall, ErrorCode::kInternalError,
              "Failed to apply firewall rules " + words + "(" + result.Describe() + "): " + result.errors);
}

}  // namespace

Task<AsyncMutex::Lock> NetfilterTables::Turn() {
  static AsyncMutex turn;
  auto lock = co_await turn.Acquire();
  co_return std::move(*lock);
}

Task<std::string> NetfilterTables::Save(Netfilter kind, std::string table) {
  Command command;
  command.argv = {For(kind).save};
  if (!table.empty()) command.argv.insert(command.argv.end(), {"-t", table});
  command.environment.emplace_back("LC_ALL", "C");
  std::vector<std::string> argv = command.argv;
  CommandResult result;
  try {
    result = co_await Run(std::move(command), {}, Clock::now() + kPatience);
  } catch (const Error& e) {
    if (e.int1 == ENOENT) co_return std::string();
    throw;
  }
  if (!result.ok()) ThrowRefused(argv, result);
  co_return std::move(result.output);
}

Task<> NetfilterTables::Restore(Netfilter kind, std::string script) {
  Command command;
  command.argv = {For(kind).restore, "--noflush"};
  if (kind != Netfilter::kEthernet) command.argv.push_back("-w");
  command.environment.emplace_back("LC_ALL", "C");
  std::vector<std::string> argv = command.argv;
  CommandResult result = co_await Run(std::move(command), std::move(script), Clock::now() + kPatience);
  if (!result.ok()) ThrowRefused(argv, result);
}

std::string NetfilterWord(const std::string& text) {
  constexpr std::string_view kPlain = "_-./:,+=@%!";
  bool plain = !text.empty();
  std::string quoted = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    plain = plain && (std::isalnum(byte) || kPlain.find(c) != std::string_view::npos);
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += byte < ' ' ? ' ' : c;
  }
  return plain ? text : quoted + '"';
}

}  // namespace bv
