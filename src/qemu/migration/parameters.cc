#include "qemu/migration/parameters.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "qemu/migration/tls.h"

namespace bv::qemu {
namespace {

using Options = MigrationOptions;

constexpr std::uint64_t kMib = 1024 * 1024;
enum Sides : unsigned { kSource = 1, kDestination = 2, kBoth = 3 };

bool Compresses(const Options& options, std::string_view method) {
  if (options.compression.empty()) return method == "xbzrle" && options.Has(migrate::kCompressed);
  return std::ranges::count(options.compression, method) > 0;
}

template <migrate::Flag kFlag>
bool Wanted(const Options& options) {
  return options.Has(kFlag);
}

// The capabilities that are ours to set: which side has them, and when. Without a condition a side uses it whenever it can.
struct Capability {
  const char* name;
  unsigned sides;
  bool (*wanted)(const Options&);
};
constexpr auto kUnused = [](const Options&) { return false; };
constexpr Capability kCapabilities[] = {
    {"xbzrle", kBoth, [](const Options& options) { return Compresses(options, "xbzrle"); }},
    {"auto-converge", kSource, &Wanted<migrate::kAutoConverge>},
    {"rdma-pin-all", kBoth, &Wanted<migrate::kRdmaPinAll>},
    {"postcopy-ram", kBoth, &Wanted<migrate::kPostcopy>},
    {"compress", kBoth, [](const Options& options) { return Compresses(options, "mt"); }},
    {"pause-before-switchover", kSource, nullptr},
    {"late-block-activate", kDestination, nullptr},
    {"multifd", kBoth, &Wanted<migrate::kParallel>},
    {"dirty-bitmaps", kBoth, kUnused},
    {"return-path", kBoth, [](const Options& options) { return !options.Has(migrate::kTunnelled); }},
    {"zero-copy-send", kSource, &Wanted<migrate::kZeroCopy>},
};
unsigned Bit(MigrationSide side) { return side == MigrationSide::kSource ? kSource : kDestination; }

// Parameters that are put back afterwards.
constexpr const char* kParameters[] = {
    "compress-level",   "compress-threads", "decompress-threads", "cpu-throttle-initial", "cpu-throttle-increment", "tls-creds",
    "tls-hostname",     "max-bandwidth",    "downtime-limit",     "block-incremental",    "xbzrle-cache-size",      "max-postcopy-bandwidth",
    "multifd-channels",
};

[[noreturn]] void Invalid(const char* what) { throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, what); }

std::vector<std::string> Names(const Json& answer) {
  std::vector<std::string> names;
  for (auto& entry : answer.elements()) names.push_back(entry["capability"].AsString().value_or(""));
  return names;
}

MonitorCommand SetCapabilities(const std::vector<std::pair<std::string, bool>>& states) {
  auto list = Json::Array();
  for (auto& [name, on] : states) list.Append(Json::Object({{"capability", name}, {"state", on}}));
  return {.name = "migrate-set-capabilities", .arguments = Json::Object({{"capabilities", list}})};
}

void CheckRemote(const Capability& capability, const MigrationCookie* cookie, MigrationSide side) {
  if (!cookie || !cookie->capabilities || capability.sides != kBoth) return;
  bool known = std::ranges::any_of(*cookie->capabilities, [&](auto& other) { return other.name == capability.name; });
  if (known) return;
  throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported,
              fmt::format("Migration option '{}' is not supported by {} host", capability.name,
                          side == MigrationSide::kSource ? "target" : "source"));
}

Json Parameters(const Domain& domain, const Options& options, MigrationSide side, const std::string& peer) {
  auto json = Json::Object();
  auto set = [&](const char* name, auto& value) {
    if (value) json.Set(name, *value);
  };
  bool source = side == MigrationSide::kSource;
  if (source) {
    set("compress-level", options.mt_level);
    set("compress-threads", options.mt_threads);
    set("cpu-throttle-initial", options.throttle_initial);
    set("cpu-throttle-increment", options.throttle_increment);
  } else {
    set("decompress-threads", options.mt_dthreads);
  }
  json.Set("tls-creds", options.Has(migrate::kTls) ? kMigrationTls : "");
  json.Set("tls-hostname", options.Has(migrate::kTls) ? options.tls_destination.value_or(peer) : "");
  if (source) json.Set("max-bandwidth", BandwidthOf(domain, options));
  set("xbzrle-cache-size", options.xbzrle_cache);
  if (options.postcopy_bandwidth) json.Set("max-postcopy-bandwidth", *options.postcopy_bandwidth * kMib);
  set("multifd-channels", options.connections);
  return json;
}

// Pages that are sent without being copied stay in memory.
void LetLockMemory(const Domain& domain) {
  const rlim_t bytes = domain.def().memory.total * 1024;
  rlimit limit{bytes, bytes};
  if (prlimit(domain.guest->pid, RLIMIT_MEMLOCK, &limit, nullptr) != 0) {
    throw SystemError(ErrorDomain::kNone, fmt::format("cannot limit locked memory of process {} to {}", domain.guest->pid, bytes));
  }
}

}  // namespace

std::uint64_t BandwidthOf(const Domain& domain, const MigrationOptions& options) {
  return (options.bandwidth ? options.bandwidth : domain.migration_speed.value_or(kMaxMigrationSpeed)) * kMib;
}

void CheckParameters(const MigrationOptions& options, MigrationSide side) {
  for (auto& method : options.compression) {
    if (method != "xbzrle" && method != "mt")
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("Unsupported compression method '{}'", method));
    if (std::ranges::count(options.compression, method) > 1)
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("Compression method '{}' is specified twice", method));
  }
  if ((options.mt_level || options.mt_threads || options.mt_dthreads) && !Compresses(options, "mt"))
    Invalid("Turn multithread compression on to tune it");
  if (options.xbzrle_cache && !Compresses(options, "xbzrle")) Invalid("Turn XBZRLE compression on to tune it");
  if (side == MigrationSide::kSource && (options.throttle_initial || options.throttle_increment) && !options.Has(migrate::kAutoConverge))
    Invalid("Turn auto convergence on to tune it");
  if (options.connections && !options.Has(migrate::kParallel)) Invalid("Turn parallel migration on to tune it");
  if (options.bandwidth > kMaxMigrationSpeed || options.postcopy_bandwidth.value_or(0) > kMaxMigrationSpeed * 2 + 1)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOverflow, fmt::format("bandwidth must be less than {}", kMaxMigrationSpeed + 1));
  if (options.Has(migrate::kZeroCopy) && !options.Has(migrate::kParallel))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "zero-copy is only available for parallel migration");
  if (options.Has(migrate::kPostcopy))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "post-copy migration is not supported");
}

Task<std::vector<MigrationCookie::Capability>> KnownCapabilities(Guests* guests, DomainPtr domain, MigrationSide side) {
  auto answer = co_await guests->MonitorOf(domain).Execute("query-migrate-capabilities");
  auto names = Names(answer);
  std::vector<MigrationCookie::Capability> known;
  for (auto& capability : kCapabilities) {
    if (std::ranges::count(names, capability.name)) known.push_back({capability.name, !capability.wanted && (capability.sides & Bit(side))});
  }
  co_return known;
}

Task<> SetParameters(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationOptions options, MigrationSide side,
                     const MigrationCookie* cookie, std::string peer) {
  std::vector<MonitorCommand> queries(2);
  queries[0].name = "query-migrate-capabilities";
  queries[1].name = "query-migrate-parameters";
  auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(queries));
  auto names = Names(replies.at(0).Value());
  std::vector<std::pair<std::string, bool>> states{{"events", true}};
  for (auto& capability : kCapabilities) {
    const bool known = std::ranges::count(names, capability.name) > 0;
    const bool ours = capability.sides & Bit(side);
    const bool asked = ours && capability.wanted && capability.wanted(options);
    const bool plain = std::string_view(capability.name) == "return-path";  // nobody asks for it: it is used where there is one
    if (asked && !known && !plain)
      throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported,
                  fmt::format("Migration option '{}' is not supported by QEMU binary", capability.name));
    if (asked && !plain) CheckRemote(capability, cookie, side);
    if (known) states.emplace_back(capability.name, asked || (ours && !capability.wanted));
  }
  migration->old_parameters = Json::Object();
  for (auto* name : kParameters) {
    if (auto value = replies.at(1).Value()[name]) migration->old_parameters.Set(name, value);
  }
  if (side == MigrationSide::kSource && options.Has(migrate::kZeroCopy)) LetLockMemory(*domain);
  if (options.Has(migrate::kTls)) co_await AddMigrationTls(guests, domain, migration, side);
  std::vector<MonitorCommand> commands;
  commands.push_back(SetCapabilities(states));
  commands.push_back({.name = "migrate-set-parameters", .arguments = Parameters(*domain, options, side, peer)});
  auto done = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
  for (auto& reply : done) reply.Value();
}

Task<> ResetParameters(Guests* guests, DomainPtr domain, MigrationPtr migration) {
  auto old = std::exchange(migration->old_parameters, {});
  if (!old || !domain->guest) co_return;
  try {
    auto answer = co_await guests->MonitorOf(domain).Execute("query-migrate-capabilities");
    auto names = Names(answer);
    std::vector<std::pair<std::string, bool>> states;
    for (auto& capability : kCapabilities) {
      if (std::ranges::count(names, capability.name)) states.emplace_back(capability.name, false);
    }
    std::vector<MonitorCommand> commands;
    commands.push_back(SetCapabilities(states));
    commands.push_back({.name = "migrate-set-parameters", .arguments = old});
    auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
    for (auto& reply : replies) reply.Value();
    co_await RemoveMigrationTls(guests, domain, migration);
  } catch (const Error& error) {
    LogWarn("qemu.qemu_migration", "cannot reset the migration parameters of '{}': {}", domain->name(), error.message);
  }
}

}  // namespace bv::qemu
