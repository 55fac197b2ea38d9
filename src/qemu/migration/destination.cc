#include "qemu/migration/destination.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "host/host_name.h"
#include "host/host_uuid.h"
#include "qemu/abi.h"
#include "qemu/agent.h"
#include "qemu/cpu_live.h"
#include "qemu/defaults/defaults.h"
#include "qemu/driver.h"
#include "qemu/guest_hooks.h"
#include "qemu/migration/parameters.h"
#include "qemu/migration/statistics.h"
#include "qemu/migration/storage.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_migration";
constexpr int kOperationIn = 4;  // virDomainJobOperation

[[noreturn]] void Internal(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, what); }
[[noreturn]] void Invalid(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, what); }
[[noreturn]] void Fail(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, what); }

bool HasIpv6() { return static_cast<bool>(Fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0))); }

// The display whose viewers are told where it has gone.
std::optional<MigrationCookie::Graphics> DisplayOf(const model::DomainDef& def) {
  for (auto& graphics : def.graphics) {
    if (graphics->type != model::GraphicsType::kSpice || graphics->listens.empty()) continue;
    MigrationCookie::Graphics display;
    display.type = "spice";
    display.listen = graphics->listens[0].address;
    display.port = graphics->port;
    display.tls_port = graphics->tls_port > 0 ? graphics->tls_port : -1;
    return display;
  }
  return std::nullopt;
}

}  // namespace

// --- prepare -------------------------------------------------------------------------------------

std::string MigrationDestination::ListenAddress(const MigrationOptions& options) const {
  auto address = options.listen_address.value_or(driver_->config_->migration_address);
  return address == "::" && !HasIpv6() ? "0.0.0.0" : address;
}

// What QEMU listens on, and in `prepared` what the source is told, if it has to be told.
Task<std::string> MigrationDestination::ListenUri(MigrationPtr migration, MigrationOptions options, Prepared* prepared) {
  MigrationAddress address;
  if (options.uri) {
    address = ParseMigrationAddress(*options.uri);
    if (address.unix_socket) co_return "unix:" + address.host;
  } else {
    address.short_form = true;
    address.host = driver_->config_->migration_host;
    auto name = [] { return host::HostName(); };
    if (address.host.empty()) address.host = co_await Offload(std::move(name));
    if (address.host.starts_with("localhost")) Internal("hostname on destination resolved to localhost, but migration requires an FQDN");
  }
  unsigned port = address.port;
  if (!port) {
    migration->port = LeasedPort(driver_->guests_->migration_ports());
    port = migration->port.number();
    prepared->uri = fmt::format("{}{}", address.short_form ? "tcp:" : "tcp://", HostAndPort(address.host, port));
  }
  co_return fmt::format("tcp:{}", HostAndPort(ListenAddress(options), port));
}

// The guest must have the very CPU here that it had there.
Task<> MigrationDestination::CheckCpu(DomainPtr domain) {
  auto* guest = domain->guest.get();
  auto& cpu = domain->def().cpu;
  if (!cpu || cpu->mode != model::CpuMode::kCustom || guest->vcpus.empty() || guest->vcpus[0].qom_path.empty()) co_return;
  auto queries = LiveCpuQueries(guest->vcpus[0].qom_path);
  auto replies = co_await guest->monitor->ExecuteAll(std::move(queries));
  if (domain->guest.get() != guest) Fail("domain is not running");
  UpdateFromLiveCpu(*domain->MutableDef().cpu, replies);
  guest->cpu_known = true;
}

Task<> MigrationDestination::StartIncoming(DomainPtr domain, MigrationPtr migration, MigrationOptions options,
                                           std::unique_ptr<model::DomainDef> live, const MigrationCookie* theirs, Prepared* prepared,
                                           std::shared_ptr<Fd> carrier) {
  auto* guests = driver_->guests_.get();
  auto caps = co_await driver_->CapsOf(*live);
  AssignAliases(*live);
  std::unique_ptr<model::CpuDef> original;
  if (theirs && theirs->cpu && live->cpu && live->cpu->mode == model::CpuMode::kCustom) {
    original = std::make_unique<model::CpuDef>(*live->cpu);
    live->cpu = *theirs->cpu;
  }
  StartOptions start;
  start.hold = true;
  start.incoming_uri = "defer";
  start.started_detail = started::kMigrated;
  co_await guests->Start(domain, std::move(live), caps, start);
  auto* guest = domain->guest.get();
  auto alive = [&] {
    if (domain->guest.get() != guest || guest->ended) Fail("domain is not running");
  };
  alive();
  guest->original_cpu = std::move(original);
  std::exception_ptr failure;
  try {
    domain->SetState(State::kPaused, paused::kMigration);
    if (guest->original_cpu) co_await CheckCpu(domain);
    alive();
    const std::string no_peer;
    MigrationCookie cookie;
    cookie.name = migration->name;
    cookie.uuid = domain->uuid();
    cookie.host_uuid = host::HostUuid();
    auto name = [] { return host::HostName(); };
    cookie.host_name = co_await Offload(std::move(name));
    alive();
    co_await SetParameters(guests, domain, migration, options, MigrationSide::kDestination, theirs, no_peer);
    alive();
    std::string uri = "fd:migrate";
    if (!carrier) uri = co_await ListenUri(migration, options, prepared);
    alive();
    if (options.CopiesDisks() && theirs && theirs->nbd && !theirs->nbd->disks.empty()) {
      cookie.nbd = co_await ServeDisks(guests, domain, migration, options, theirs, ListenAddress(options));
      alive();
    }
    guest->migration_status.clear();
    std::vector<MonitorCommand> commands;
    if (carrier) commands.push_back({.name = "getfd", .arguments = Json::Object({{"fdname", "migrate"}}), .fd = carrier->get()});
    auto incoming = Json::Object({{"uri", uri}});
    commands.push_back({.name = "migrate-incoming", .arguments = incoming});
    auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
    alive();
    for (auto& reply : replies) reply.Value();
    cookie.graphics = DisplayOf(domain->def());
    cookie.capabilities = co_await KnownCapabilities(guests, domain, MigrationSide::kDestination);
    alive();
    prepared->cookie = cookie.Format();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    if (domain->guest.get() == guest) co_await guests->Stop(domain, shutoff::kFailed, -1);
    std::rethrow_exception(failure);
  }
}

Task<MigrationDestination::Prepared> MigrationDestination::Prepare(MigrationOptions options, std::string cookie_text,
                                                                   std::weak_ptr<rpc::ClientSession> client, std::shared_ptr<Fd> carrier,
                                                                   const char* api) {
  const bool offline = options.Has(migrate::kOffline);
  if (options.xml.value_or("").empty()) Internal("no domain XML passed");
  auto live = co_await driver_->ReadXml(*options.xml, model::kParseInactive);
  const std::string their_name = live->name;
  if (options.name) live->name = *options.name;
  const std::string name = live->name, given = *options.xml;
  auto filtered = co_await FilterByGuestHooks(name, "migrate", given);
  if (filtered != given) {
    auto changed = co_await driver_->ReadXml(filtered, model::kParseInactive);
    changed->name = name;
    CheckSameAbi(*live, *changed);
    live = std::move(changed);
  }
  auto theirs = MigrationCookie::Parse(cookie_text, their_name, live->uuid, host::HostUuid());
  if (offline && options.CopiesDisks()) Invalid("offline migration cannot handle non-shared storage");
  if (offline && !options.Has(migrate::kPersistDest)) Invalid("offline migration must be specified with the persistent flag set");
  CheckParameters(options, MigrationSide::kDestination);
  const bool is_new = !driver_->domains_.FindUuid(live->uuid);
  auto domain = co_await driver_->AddForStart(*live);
  auto migration = std::make_shared<Migration>();
  migration->incoming = true;
  migration->name = their_name;
  migration->flags = options.flags;
  migration->began_ms = WallMs();
  migration->new_domain = is_new;
  Prepared prepared;
  std::exception_ptr failure;
  {
    BusyMigration busy(migration);
    try {
      constexpr std::uint32_t kMask = JobQueue::Mask(Job::kQuery) | JobQueue::Mask(Job::kDestroy) | JobQueue::Mask(Job::kAbort);
      migration->turn = co_await domain->jobs.BeginAsync(AsyncJob::kMigrationIn, kOperationIn, api, kMask);
      if (domain->active()) Invalid(fmt::format("domain '{}' is already active", domain->name()));
      domain->migration = migration;
      migration->phase = MigrationPhase::kPrepare;
      domain->completed_job.reset();
      if (!offline) {
        co_await StartIncoming(domain, migration, options, std::move(live), theirs.get(), &prepared, std::move(carrier));
      } else {
        if (!domain->config()) domain->SetConfig(std::move(live));
        // Clients want an address to go on with.
        if (!options.uri) co_await ListenUri(migration, options, &prepared);
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
  auto session = client.lock();
  bool gone = !session || !session->connected();
  if (failure || gone) {
    if (domain->guest && domain->migration == migration) co_await driver_->guests_->Stop(domain, shutoff::kFailed, -1);
    Undo(domain, migration);
    if (failure) std::rethrow_exception(failure);
    Fail("the client has gone");
  }
  migration->client = session;
  std::weak_ptr<Domain> weak = domain;
  std::weak_ptr<Migration> mine = migration;
  migration->on_close = session->OnClose([this, weak, mine] {
    auto domain = weak.lock();
    auto migration = mine.lock();
    if (domain && migration && domain->migration == migration && !migration->busy) Spawn(StopGuest(domain, migration), "incoming migration");
  });
  if (domain->guest) {
    driver_->events_.SendLifecycle(domain->Ref(), Lifecycle::kStarted, started::kMigrated);
    driver_->guests_->SaveStatus(domain);
  }
  co_return prepared;
}

// As before Prepare(), without a guest.
void MigrationDestination::Undo(const DomainPtr& domain, const MigrationPtr& migration) {
  if (domain->migration == migration) domain->migration.reset();
  migration->turn.Release();
  if (migration->new_domain && !domain->active() && !domain->persistent && !domain->removed) driver_->domains_.Remove(domain);
}

// Whoever asked for the guest has gone.
Task<> MigrationDestination::StopGuest(DomainPtr domain, MigrationPtr migration) {
  LogWarn(kSource, "the client that sends domain '{}' here has gone", domain->name());
  try {
    BusyMigration busy(migration);
    if (domain->guest) co_await driver_->guests_->Stop(domain, shutoff::kDestroyed, stopped::kDestroyed);
  } catch (const Error& error) {
    LogError(kSource, "cannot end domain '{}': {}", domain->name(), error.message);
  }
  Undo(domain, migration);
}

// --- finish --------------------------------------------------------------------------------------

Task<> MigrationDestination::AwaitReceived(DomainPtr domain) {
  auto* guest = domain->guest.get();
  for (;;) {
    if (guest->migration_status == "completed") co_return;
    if (guest->migration_status == "failed") Fail("job 'migration in' failed");
    co_await guest->changed.Wait();
    if (domain->guest.get() != guest || guest->ended || !guest->monitor || !guest->monitor->open()) Fail("domain is not running");
  }
}

Task<> MigrationDestination::Persist(DomainPtr domain, MigrationPtr migration, MigrationCookie* theirs) {
  auto config = theirs && theirs->persistent ? std::move(theirs->persistent) : QemuDriver::Copy(domain->def());
  config->name = domain->name();
  config->uuid = domain->uuid();
  auto text = model::FormatDomain(*config, model::kFormatInactive | model::kFormatSecure);
  auto complete = co_await driver_->ReadXml(text, model::kParseInactive);
  const bool was_persistent = domain->persistent;
  auto old = domain->TakeConfig();
  domain->SetConfig(std::move(complete));
  domain->persistent = true;
  std::exception_ptr failure;
  try {
    co_await driver_->SaveConfig(domain);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    domain->persistent = was_persistent;
    domain->TakeConfig();
    if (old) domain->SetConfig(std::move(old));
    std::rethrow_exception(failure);
  }
  migration->new_domain = false;
  driver_->events_.SendLifecycle(domain->Ref(), Lifecycle::kDefined, was_persistent ? defined::kUpdated : defined::kAdded);
}

Task<MigrationDestination::Finished> MigrationDestination::Finish(std::string name, MigrationOptions options, std::string cookie_text,
                                                                  bool cancelled, std::weak_ptr<rpc::ClientSession> client) {
  auto domain = driver_->domains_.FindName(name);
  if (!domain) throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomain, fmt::format("no domain with matching name '{}'", name));
  auto migration = domain->migration;
  if (!migration || !migration->incoming || migration->busy) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomain, fmt::format("no domain with matching name '{}'", name));
  }
  auto* guests = driver_->guests_.get();
  const bool offline = migration->flags & migrate::kOffline;
  migration->phase = MigrationPhase::kFinish3;
  Finished finished;
  finished.domain = domain;
  std::exception_ptr failure;
  {
    BusyMigration busy(migration);
    try {
      if (cancelled) throw Error(ErrorDomain::kQemu, ErrorCode::kMigrateFinishOk, "migration successfully aborted");
      auto theirs = MigrationCookie::Parse(cookie_text, migration->name, domain->uuid(), host::HostUuid());
      if (!offline) {
        if (!domain->guest) Fail("domain is not running");
        auto* guest = domain->guest.get();
        guests->SaveStatus(domain);
        co_await AwaitReceived(domain);
        co_await StopServing(guests, domain, migration);
        if (domain->guest.get() != guest) Fail("domain is not running");
      }
      if (options.Has(migrate::kPersistDest)) co_await Persist(domain, migration, theirs.get());
      MigrationCookie answer;
      answer.name = migration->name;
      answer.uuid = domain->uuid();
      answer.host_uuid = host::HostUuid();
      auto host_name = [] { return host::HostName(); };
      answer.host_name = co_await Offload(std::move(host_name));
      if (!offline) {
        auto* guest = domain->guest.get();
        if (!guest || guest->ended) Fail("domain is not running");
        if (theirs && theirs->statistics) {
          auto& job = *theirs->statistics;
          job.operation = kOperationIn;
          if (job.sent_ms) job.delta_ms = static_cast<std::int64_t>(WallMs()) - static_cast<std::int64_t>(job.sent_ms);
        }
        // Without a client to tell, the source goes on with the guest.
        auto session = client.lock();
        if (!session || !session->connected()) Fail("the client has gone");
        if (!options.Has(migrate::kPaused)) {
          co_await guests->Resume(domain, running::kMigrated);
        } else {
          domain->SetState(State::kPaused, paused::kUser);
          driver_->events_.SendLifecycle(domain->Ref(), Lifecycle::kSuspended, suspended::kPaused);
        }
        if (domain->guest.get() != guest) Fail("domain is not running");
        co_await guests->RefreshChannels(domain);
        if (theirs && theirs->statistics) {
          CompleteStatistics(*theirs->statistics);
          domain->completed_job = std::make_unique<CompletedJob>(*theirs->statistics);
          answer.statistics = std::move(theirs->statistics);
        }
        co_await ResetParameters(guests, domain, migration);
      }
      finished.cookie = answer.Format();
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure && domain->guest && !domain->guest->ended) co_await guests->Stop(domain, shutoff::kFailed, stopped::kFailed);
  }
  if (failure) {
    Undo(domain, migration);
    std::rethrow_exception(failure);
  }
  if (domain->migration == migration) domain->migration.reset();
  migration->turn.Release();
  if (domain->guest) co_await guests->StoreStatus(domain);
  co_return finished;
}

Task<> MigrationDestination::Recover(DomainPtr domain) {
  auto* guest = domain->guest.get();
  guest->cut_off_in = false;
  auto turn = co_await domain->jobs.Begin(Job::kDestroy, "qemuProcessRecoverMigration");
  if (domain->guest.get() != guest) co_return;
  LogWarn(kSource, "domain '{}' was coming in when the daemon ended", domain->name());
  // One that runs has been let go; the source cannot have gone on.
  if (domain->state() == State::kRunning) {
    driver_->guests_->SaveStatus(domain);
    co_return;
  }
  co_await driver_->guests_->Stop(domain, shutoff::kFailed, stopped::kFailed);
}

}  // namespace bv::qemu
