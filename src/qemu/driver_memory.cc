// A guest's memory: how much, what it says of it, and what is in it.

#include <fmt/core.h>
#include <unistd.h>

#include <charconv>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "qemu/agent.h"
#include "qemu/driver.h"
#include "qemu/temporary_file.h"

namespace bv::qemu {
namespace {

[[noreturn]] void Invalid(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, what); }

bool HasBalloon(const model::DomainDef& def) {
  return def.memballoon && def.memballoon->model != model::MemballoonModel::kNone;
}

// Resident memory of a process in KiB; 0 when it cannot be told.
std::uint64_t ResidentKib(pid_t pid) {
  auto text = ReadFileIfExists(fmt::format("/proc/{}/statm", pid)).value_or("");
  auto space = text.find(' ');
  std::uint64_t pages = 0;
  if (space != std::string::npos) std::from_chars(text.data() + space + 1, text.data() + text.size(), pages);
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

// Members of guest-stats and the tags (virDomainMemoryStatTags) they are sent under.
struct StatRow {
  const char* name;
  int tag;
  unsigned divisor;
};
constexpr StatRow kStats[] = {
    {"stat-swap-in", 0, 1024},      {"stat-swap-out", 1, 1024},          {"stat-major-faults", 2, 1},
    {"stat-minor-faults", 3, 1},    {"stat-free-memory", 4, 1024},       {"stat-total-memory", 5, 1024},
    {"stat-available-memory", 8, 1024}, {"stat-disk-caches", 10, 1024},  {"stat-htlb-pgalloc", 11, 1},
    {"stat-htlb-pgfail", 12, 1},
};
constexpr int kTagActual = 6, kTagRss = 7, kTagLastUpdate = 9;

}  // namespace

Task<> QemuDriver::DomainSetMemory(Call& call, remote::DomainSetMemoryArgs args) {
  remote::DomainSetMemoryFlagsArgs with_flags;
  with_flags.dom = args.dom;
  with_flags.memory = args.memory;
  with_flags.flags = remote::kAffectLive;
  co_await DomainSetMemoryFlags(call, with_flags);
}

Task<> QemuDriver::DomainSetMaxMemory(Call& call, remote::DomainSetMaxMemoryArgs args) {
  constexpr unsigned kMaximum = 4;
  remote::DomainSetMemoryFlagsArgs with_flags;
  with_flags.dom = args.dom;
  with_flags.memory = args.memory;
  with_flags.flags = kMaximum;
  co_await DomainSetMemoryFlags(call, with_flags);
}

Task<> QemuDriver::DomainSetMemoryFlags(Call&, remote::DomainSetMemoryFlagsArgs args) {
  constexpr unsigned kMaximum = 4;
  CheckFlags(args.flags, 3 | kMaximum, "qemuDomainSetMemoryFlags");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetMemoryFlags");
  auto impact = ResolveImpact(*domain, args.flags & 3);
  auto defs = DefsFor(*domain, impact);
  if (args.flags & kMaximum) {
    if (defs.live)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "cannot resize the maximum memory on an active domain");
    if (!defs.config->numa.cells.empty())
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid,
                  "initial memory size of a domain with NUMA nodes cannot be modified with this API");
    defs.config->memory.total = args.memory;
    if (defs.config->memory.current.value_or(args.memory) > args.memory) defs.config->memory.current = args.memory;
    co_await SaveChanged(domain, impact);
    co_return;
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def && args.memory > def->memory.total) Invalid("cannot set memory higher than max memory");
  }
  if (defs.live) {
    if (!HasBalloon(*defs.live))
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "Unable to change memory of active domain without the balloon device and guest OS balloon driver");
    auto arguments = Json::Object();
    arguments.Set("value", args.memory * 1024);
    // The guest gives memory back when it likes; the figure follows its reports.
    co_await guests_->MonitorOf(domain).Execute("balloon", arguments);
  }
  if (defs.config) defs.config->memory.current = args.memory;
  co_await SaveChanged(domain, impact);
}

Task<> QemuDriver::DomainSetMemoryStatsPeriod(Call&, remote::DomainSetMemoryStatsPeriodArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetMemoryStatsPeriod");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetMemoryStatsPeriod");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def && !HasBalloon(*def)) Invalid("Memory balloon model must be virtio to set the collection period");
  }
  if (defs.live) {
    auto arguments = Json::Object();
    arguments.Set("path", "/machine/peripheral/" + defs.live->memballoon->info.alias);
    arguments.Set("property", "guest-stats-polling-interval");
    arguments.Set("value", args.period);
    co_await guests_->MonitorOf(domain).Execute("qom-set", arguments);
  }
  for (auto* def : {defs.live, defs.config}) {
    if (def) def->memballoon->stats_period = static_cast<unsigned>(args.period);
  }
  co_await SaveChanged(domain, impact);
}

Task<remote::DomainMemoryStatsRet> QemuDriver::DomainMemoryStats(Call&, remote::DomainMemoryStatsArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainMemoryStats");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  remote::DomainMemoryStatsRet ret;
  auto add = [&](int tag, std::uint64_t value) {
    if (ret.stats.size() >= args.maxStats) return;
    remote::DomainMemoryStat stat;
    stat.tag = tag;
    stat.val = value;
    ret.stats.push_back(stat);
  };
  auto& def = domain->def();
  if (HasBalloon(def)) {
    std::vector<MonitorCommand> commands(2);
    commands[0].name = "query-balloon";
    commands[1].name = "qom-get";
    auto arguments = Json::Object();
    arguments.Set("path", "/machine/peripheral/" + def.memballoon->info.alias);
    arguments.Set("property", "guest-stats");
    commands[1].arguments = arguments;
    auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
    RequireActive(*domain);
    if (auto actual = replies[0].value["actual"].AsUint()) add(kTagActual, *actual / 1024);
    auto stats = replies[1].value["stats"];
    constexpr auto kUnknown = std::numeric_limits<std::uint64_t>::max();
    for (auto& row : kStats) {
      // The guest leaves out what it does not know as all ones.
      if (auto value = stats[row.name].AsUint(); value && *value != kUnknown) add(row.tag, *value / row.divisor);
    }
    if (auto last = replies[1].value["last-update"].AsUint()) add(kTagLastUpdate, *last);
  } else {
    add(kTagActual, def.memory.current.value_or(def.memory.total));
  }
  if (auto rss = ResidentKib(domain->guest->pid)) add(kTagRss, rss);
  co_return ret;
}

Task<remote::DomainMemoryPeekRet> QemuDriver::DomainMemoryPeek(Call&, remote::DomainMemoryPeekArgs args) {
  constexpr unsigned kVirtual = 1, kPhysical = 2;
  if (args.flags != kVirtual && args.flags != kPhysical) Invalid("flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainMemoryPeek");
  RequireActive(*domain);
  auto file = TemporaryFile::Make(config_->dirs.cache + "/qemu.mem.XXXXXX", *config_);
  auto arguments = Json::Object();
  arguments.Set("val", args.offset);
  arguments.Set("size", args.size);
  arguments.Set("filename", file->path);
  co_await guests_->MonitorOf(domain).Execute(args.flags == kVirtual ? "memsave" : "pmemsave", arguments);
  remote::DomainMemoryPeekRet ret;
  ret.buffer.resize(args.size);
  auto got = pread(file->fd.get(), ret.buffer.data(), ret.buffer.size(), 0);
  if (got < 0) throw SystemError(ErrorDomain::kQemu, fmt::format("failed to read temporary file created with template {}", file->path));
  ret.buffer.resize(static_cast<std::size_t>(got));
  co_return ret;
}

}  // namespace bv::qemu
