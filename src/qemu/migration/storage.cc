#include "qemu/migration/storage.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "qemu/block_jobs.h"
#include "qemu/command_line/storage.h"
#include "qemu/disk_names.h"
#include "qemu/migration/checks.h"
#include "qemu/migration/parameters.h"
#include "qemu/migration/tls.h"
#include "qemu/new_image.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

std::string JobOf(const model::Disk& disk) { return "drive-" + disk.info.alias; }
std::string StorageNode(const std::string& target) { return "migration-" + target + "-storage"; }
std::string FormatNode(const std::string& target) { return "migration-" + target + "-format"; }

MonitorCommand RemoveNode(const std::string& node) {
  return {.name = "blockdev-del", .arguments = Json::Object({{"node-name", node}})};
}

Json Server(const std::string& host, unsigned port) {
  return Json::Object({{"type", "inet"}, {"host", host}, {"port", std::to_string(port)}});
}

// What the copies are written to. A URI of their own comes before what memory goes to.
Json DisksServer(const MigrationOptions& options, const MigrationCookie::Nbd& nbd, const MigrationAddress& address) {
  if (!options.disks_uri) return Server(address.host, nbd.port);
  auto disks = ParseMigrationAddress(*options.disks_uri);
  if (disks.unix_socket) return Json::Object({{"type", "unix"}, {"path", disks.host}});
  return Server(disks.host, disks.port ? disks.port : nbd.port);
}

[[noreturn]] void Fail(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, what); }

bool Ended(const std::string& state) { return state == "concluded" || state == "null"; }

}  // namespace

// --- the source ----------------------------------------------------------------------------------

Task<MigrationCookie::Nbd> DisksToCopy(Guests* guests, DomainPtr domain, MigrationOptions options) {
  MigrationCookie::Nbd nbd;
  struct Wanted {
    std::string target, node;
  };
  std::vector<Wanted> wanted;
  for (auto& disk : domain->def().disks) {
    if (CopiesDisk(*disk, options)) wanted.push_back({disk->dst, NamesOf(disk->source).format});
  }
  for (auto& disk : wanted) {
    auto size = co_await VirtualSize(guests, domain, disk.node);
    nbd.disks.push_back({disk.target, size});
  }
  co_return nbd;
}

Task<> MirrorDisks(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationOptions options, const MigrationCookie* theirs,
                   MigrationAddress address) {
  auto* guest = domain->guest.get();
  if (!theirs || !theirs->nbd) co_return;
  auto server = DisksServer(options, *theirs->nbd, address);
  std::vector<std::string> jobs;
  std::exception_ptr failure;
  try {
    for (auto& disk : domain->def().disks) {
      if (!CopiesDisk(*disk, options)) continue;
      const auto target = disk->dst, job = JobOf(*disk), node = NamesOf(disk->source).format;
      std::vector<MonitorCommand> commands(3);
      commands[0].name = "blockdev-add";
      commands[0].arguments = Json::Object({{"driver", "nbd"}, {"server", server}, {"export", job}, {"node-name", StorageNode(target)},
                                            {"read-only", false}, {"discard", "unmap"}});
      if (options.Has(migrate::kTls)) {
        commands[0].arguments.Set("tls-creds", kMigrationTls);
        commands[0].arguments.Set("tls-hostname", options.tls_destination.value_or(address.host));
      }
      commands[1].name = "blockdev-add";
      commands[1].arguments = Json::Object({{"node-name", FormatNode(target)}, {"read-only", false}, {"driver", "raw"}, {"file", StorageNode(target)}});
      commands[2].name = "blockdev-mirror";
      commands[2].arguments = Json::Object({{"job-id", job}, {"device", node}, {"target", FormatNode(target)},
                                            {"speed", BandwidthOf(*domain, options)},
                                            {"sync", options.Has(migrate::kNonSharedInc) ? "top" : "full"},
                                            {"auto-finalize", true}, {"auto-dismiss", false}});
      if (options.Has(migrate::kSynchronousWrites)) commands[2].arguments.Set("copy-mode", "write-blocking");
      guest->job_states.erase(job);
      migration->mirrored.push_back(target);
      jobs.push_back(job);
      auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
      if (domain->guest.get() != guest) Fail("domain is not running");
      for (auto& reply : replies) reply.Value();
    }
    for (auto& job : jobs) {
      while (guest->job_states[job] != "ready") {
        if (migration->abort) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationAborted, "job 'migration out' canceled by client");
        if (MirrorFailed(*domain, *migration)) Fail(fmt::format("migration of disk {} failed", job));
        co_await guest->changed.Wait();
        if (domain->guest.get() != guest || guest->ended) Fail("domain is not running");
      }
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  if (domain->guest.get() == guest) co_await RemoveMirrors(guests, domain);
  std::rethrow_exception(failure);
}

bool MirrorFailed(const Domain& domain, const Migration& migration) {
  for (auto& target : migration.mirrored) {
    auto* disk = FindDisk(domain.def(), target);
    if (!disk) continue;
    auto state = domain.guest->job_states.find(JobOf(*disk));
    if (state != domain.guest->job_states.end() && (Ended(state->second) || state->second == "aborting")) return true;
  }
  return false;
}

Task<> NoteMirrors(Guests* guests, DomainPtr domain, MigrationPtr migration) {
  if (migration->mirrored.empty()) co_return;
  auto jobs = co_await guests->MonitorOf(domain).Execute("query-block-jobs");
  migration->disk_total = migration->disk_processed = 0;
  for (auto& entry : jobs.elements()) {
    if (entry["type"].AsString() != "mirror") continue;
    migration->disk_total += entry["len"].AsUint().value_or(0);
    migration->disk_processed += entry["offset"].AsUint().value_or(0);
  }
}

Task<> EndMirrors(Guests* guests, DomainPtr domain, MigrationPtr migration) {
  auto* guest = domain->guest.get();
  auto targets = std::exchange(migration->mirrored, {});
  std::vector<std::string> jobs;
  for (auto& target : targets) {
    if (auto* disk = FindDisk(domain->def(), target)) jobs.push_back(JobOf(*disk));
  }
  for (auto& job : jobs) {
    auto which = Json::Object({{"device", job}});
    co_await guests->MonitorOf(domain).Execute("block-job-cancel", which);
  }
  for (auto& job : jobs) {
    while (domain->guest.get() == guest && !guest->ended && !Ended(guest->job_states[job])) co_await guest->changed.Wait();
    if (domain->guest.get() != guest || guest->ended) Fail("domain is not running");
    auto answer = co_await guests->MonitorOf(domain).Execute("query-jobs");
    for (auto& entry : answer.elements()) {
      if (entry["id"].AsString() != job) continue;
      if (auto error = entry["error"].AsString()) Fail(fmt::format("migration of disk {} failed: {}", job, *error));
    }
  }
  co_await RemoveMirrors(guests, domain);
}

Task<> RemoveMirrors(Guests* guests, DomainPtr domain) {
  auto* guest = domain->guest.get();
  std::vector<std::pair<std::string, std::string>> disks;  // target, job
  for (auto& disk : domain->def().disks) disks.emplace_back(disk->dst, JobOf(*disk));
  try {
    auto nodes = co_await guests->MonitorOf(domain).Execute("query-named-block-nodes");
    for (auto& [target, job] : disks) {
      bool there = false;
      for (auto& node : nodes.elements()) there |= node["node-name"].AsString() == StorageNode(target);
      if (!there || domain->guest.get() != guest) continue;
      auto force = Json::Object({{"device", job}, {"force", true}});
      std::vector<MonitorCommand> cancel(1);
      cancel[0].name = "block-job-cancel";
      cancel[0].arguments = force;
      co_await guests->MonitorOf(domain).ExecuteAll(std::move(cancel));  // it may be through already
      for (int tries = 0; tries < 500; ++tries) {
        auto answer = co_await guests->MonitorOf(domain).Execute("query-jobs");
        std::string state = "null";
        for (auto& entry : answer.elements()) {
          if (entry["id"].AsString() == job) state = entry["status"].AsString().value_or("null");
        }
        if (Ended(state)) break;
        co_await Sleep(20ms);
      }
      std::vector<MonitorCommand> commands;
      commands.push_back({.name = "job-dismiss", .arguments = Json::Object({{"id", job}})});
      commands.push_back(RemoveNode(FormatNode(target)));
      commands.push_back(RemoveNode(StorageNode(target)));
      co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
    }
  } catch (const Error& error) {
    LogWarn("qemu.qemu_migration", "cannot end the copies of the disks of '{}': {}", domain->name(), error.message);
  }
}

// --- the destination -----------------------------------------------------------------------------

Task<MigrationCookie::Nbd> ServeDisks(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationOptions options,
                                      const MigrationCookie* theirs, std::string listen) {
  MigrationCookie::Nbd nbd;
  nbd.disks = theirs->nbd->disks;
  std::optional<MigrationAddress> given;
  if (options.disks_uri) given = ParseMigrationAddress(*options.disks_uri);
  std::vector<MonitorCommand> commands(1);
  commands[0].name = "nbd-server-start";
  Json address;
  if (given && given->unix_socket) {
    address = Json::Object({{"type", "unix"}, {"data", Json::Object({{"path", given->host}})}});
  } else {
    nbd.port = given && given->port ? given->port : static_cast<unsigned>(options.disks_port);
    if (!nbd.port) {
      migration->disks_port = LeasedPort(guests->migration_ports());
      nbd.port = migration->disks_port.number();
    }
    auto data = Json::Object({{"host", given ? given->host : listen}, {"port", std::to_string(nbd.port)}});
    address = Json::Object({{"type", "inet"}, {"data", data}});
  }
  commands[0].arguments.Set("addr", address);
  if (options.Has(migrate::kTls)) commands[0].arguments.Set("tls-creds", kMigrationTls);
  for (auto& copied : nbd.disks) {
    auto* disk = FindDisk(domain->def(), copied.target);
    if (!disk) Fail(fmt::format("unable to find disk by target: {}", copied.target));
    if (disk->source.readonly || disk->source.IsEmpty()) Fail(fmt::format("cannot copy into disk {}", copied.target));
    auto node = NamesOf(disk->source).format;
    commands.push_back({.name = "block-export-add",
                        .arguments = Json::Object({{"type", "nbd"}, {"id", "libvirt-nbd-" + node}, {"node-name", node}, {"writable", true},
                                                   {"name", JobOf(*disk)}})});
  }
  auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
  for (auto& reply : replies) reply.Value();
  migration->mirrored.push_back("served");
  co_return nbd;
}

Task<> StopServing(Guests* guests, DomainPtr domain, MigrationPtr migration) {
  if (std::exchange(migration->mirrored, {}).empty()) co_return;
  co_await guests->MonitorOf(domain).Execute("nbd-server-stop");
  migration->disks_port = LeasedPort();
}

}  // namespace bv::qemu
