#include "qemu/migration/source.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "host/host_name.h"
#include "host/host_uuid.h"
#include "qemu/abi.h"
#include "qemu/driver.h"
#include "qemu/job_params.h"
#include "qemu/migratable.h"
#include "qemu/migration/checks.h"
#include "qemu/migration/parameters.h"
#include "qemu/migration/statistics.h"
#include "qemu/migration/storage.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_migration";
constexpr int kOperationOut = 5;  // virDomainJobOperation

[[noreturn]] void Invalid(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, what); }

void CheckOffline(const MigrationOptions& options) {
  if (options.CopiesDisks()) Invalid("offline migration cannot handle non-shared storage");
  if (!options.Has(migrate::kPersistDest)) Invalid("offline migration must be specified with the persistent flag set");
  if (options.Has(migrate::kTunnelled)) Invalid("tunnelled offline migration does not make sense");
}

void CheckDisksToCopy(const Domain& domain, const MigrationOptions& options) {
  if (!options.CopiesDisks()) return;
  for (auto& target : options.disks) {
    bool there = std::ranges::any_of(domain.def().disks, [&](auto& disk) { return disk->dst == target; });
    if (!there) throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("disk target {} not found", target));
  }
  if (options.Has(migrate::kTunnelled)) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported,
                "migration of non-shared storage is not supported with tunnelled migration and this QEMU");
  }
}

// A migration between daemons has no client that it ends with.
bool IsGiven(const std::weak_ptr<rpc::ClientSession>& client) {
  const std::weak_ptr<rpc::ClientSession> none;
  return client.owner_before(none) || none.owner_before(client);
}

// A definition given for the destination must be of this guest.
void CheckSameGuest(const model::DomainDef& was, const model::DomainDef& is) {
  if (was.name != is.name) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported,
                fmt::format("Target domain name '{}' does not match source '{}'", is.name, was.name));
  }
  CheckSameAbi(was, is);
}

}  // namespace

// --- the job -------------------------------------------------------------------------------------

Task<MigrationPtr> MigrationSource::StartJob(DomainPtr domain, unsigned flags, const char* api) {
  constexpr std::uint32_t kMask = JobQueue::kDefaultMask | JobQueue::Mask(Job::kSuspend) | JobQueue::Mask(Job::kMigrationOp);
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kMigrationOut, kOperationOut, api, kMask);
  auto migration = std::make_shared<Migration>();
  migration->turn = std::move(turn);
  migration->flags = flags;
  migration->began_ms = WallMs();
  migration->was_running = domain->state() == State::kRunning;
  domain->migration = migration;
  domain->completed_job.reset();
  co_return migration;
}

MigrationPtr MigrationSource::Continue(const DomainPtr& domain, MigrationPhase phase) const {
  auto migration = domain->migration;
  if (!migration || migration->incoming || migration->busy) Invalid(fmt::format("domain '{}' is not being migrated", domain->name()));
  migration->phase = phase;
  return migration;
}

void MigrationSource::End(const DomainPtr& domain, const MigrationPtr& migration) {
  if (domain->migration == migration) domain->migration.reset();
  migration->turn.Release();
  if (domain->guest) driver_->guests_->SaveStatus(domain);
}

// A client that goes before it has the guest sent just leaves it. One that goes afterwards leaves a guest that may run
// on the other host: it stays as it is here, for somebody who knows.
void MigrationSource::WatchClient(const DomainPtr& domain, const MigrationPtr& migration, const std::weak_ptr<rpc::ClientSession>& client) {
  auto session = client.lock();
  if (!session || migration->on_close) return;
  migration->client = session;
  std::weak_ptr<Domain> weak = domain;
  std::weak_ptr<Migration> mine = migration;
  migration->on_close = session->OnClose([this, weak, mine] {
    auto domain = weak.lock();
    auto migration = mine.lock();
    if (domain && migration && domain->migration == migration && !migration->busy) Abandon(domain, migration);
  });
}

void MigrationSource::Abandon(const DomainPtr& domain, const MigrationPtr& migration) {
  LogWarn(kSource, "the client that migrates domain '{}' has gone", domain->name());
  End(domain, migration);
}

// --- begin ---------------------------------------------------------------------------------------

Task<MigrationCookie> MigrationSource::NewCookie(DomainPtr domain) const {
  MigrationCookie cookie;
  cookie.name = domain->name();
  cookie.uuid = domain->uuid();
  cookie.host_uuid = host::HostUuid();
  auto name = [] { return host::HostName(); };
  cookie.host_name = co_await Offload(std::move(name));
  co_return cookie;
}

Task<std::string> MigrationSource::TargetXml(DomainPtr domain, MigrationOptions options) {
  if (!options.xml) co_return MigratableXml(*domain);
  auto given = co_await driver_->ReadXml(*options.xml, model::kParseInactive);
  auto own = co_await driver_->ReadXml(MigratableXml(*domain), model::kParseInactive);
  CheckSameGuest(*own, *given);
  co_return MigratableXml(*given);
}

Task<MigrationSource::Begun> MigrationSource::Begin(DomainPtr domain, MigrationOptions options,
                                                    std::weak_ptr<rpc::ClientSession> client, const char* api) {
  const bool offline = options.Has(migrate::kOffline);
  if (options.Has(migrate::kPostcopyResume)) Invalid(fmt::format("domain '{}' is not being migrated", domain->name()));
  if (!offline) RequireActive(*domain);
  JobQueue::Turn turn;
  MigrationPtr migration;
  if (options.Has(migrate::kChangeProtection)) {
    migration = co_await StartJob(domain, options.flags, api);
    migration->phase = MigrationPhase::kBegin3;
  } else {
    turn = co_await domain->jobs.Begin(Job::kModify, api);
  }
  Begun begun;
  std::exception_ptr failure;
  try {
    if (!offline) RequireActive(*domain);
    CheckMigratable(*domain, options);
    if (!offline && !options.Has(migrate::kUnsafe)) co_await CheckDisksAreSafe(domain, options);
    if (offline) CheckOffline(options);
    if (!offline) RequireActive(*domain);
    CheckDisksToCopy(*domain, options);
    auto cookie = co_await NewCookie(domain);
    cookie.wants_lock_state = true;
    if (!offline) {
      co_await driver_->LearnLiveCpu(domain);
      RequireActive(*domain);
      auto* guest = domain->guest.get();
      if (guest->cpu_known && domain->def().cpu && domain->def().cpu->mode == model::CpuMode::kCustom)
        cookie.cpu = std::make_unique<model::CpuDef>(*domain->def().cpu);
      cookie.capabilities = co_await KnownCapabilities(driver_->guests_.get(), domain, MigrationSide::kSource);
      if (options.CopiesDisks()) cookie.nbd = co_await DisksToCopy(driver_->guests_.get(), domain, options);
    }
    begun.xml = co_await TargetXml(domain, options);
    begun.cookie = cookie.Format();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    if (migration) End(domain, migration);
    std::rethrow_exception(failure);
  }
  if (migration) {
    auto session = client.lock();
    if (IsGiven(client) && (!session || !session->connected())) {
      Abandon(domain, migration);
    } else {
      WatchClient(domain, migration, client);
    }
    if (domain->guest) co_await driver_->guests_->StoreStatus(domain);
  }
  co_return begun;
}

// --- perform -------------------------------------------------------------------------------------

Task<> MigrationSource::AddPersistent(DomainPtr domain, MigrationOptions options, MigrationCookie* cookie) {
  if (!options.Has(migrate::kPersistDest)) co_return;
  if (options.persistent_xml) {
    auto given = co_await driver_->ReadXml(*options.persistent_xml, model::kParseInactive);
    auto own = co_await driver_->ReadXml(MigratableXml(domain->config() ? *domain->config() : domain->def()), model::kParseInactive);
    CheckSameAbi(*own, *given);
    cookie->persistent = std::move(given);
  } else if (domain->config()) {
    cookie->persistent = QemuDriver::Copy(*domain->config());
  }
  if (cookie->persistent) cookie->persistent->name = domain->name();
}

Task<std::string> MigrationSource::Perform(DomainPtr domain, MigrationOptions options, std::string cookie_text,
                                           std::weak_ptr<rpc::ClientSession> client, std::shared_ptr<Fd> carrier, const char* api) {
  MigrationPtr migration;
  if (options.Has(migrate::kChangeProtection)) {
    migration = Continue(domain, MigrationPhase::kPerform3);
  } else {
    if (!options.Has(migrate::kOffline)) RequireActive(*domain);
    migration = co_await StartJob(domain, options.flags, api);
    migration->phase = MigrationPhase::kPerform3;
  }
  std::string answer;
  std::exception_ptr failure;
  {
    BusyMigration busy(migration);
    try {
      auto cookie = co_await NewCookie(domain);
      co_await AddPersistent(domain, options, &cookie);
      if (!options.Has(migrate::kOffline)) {
        RequireActive(*domain);
        driver_->guests_->SaveStatus(domain);
        auto theirs = MigrationCookie::Parse(cookie_text, domain->name(), domain->uuid(), host::HostUuid());
        co_await Send(domain, migration, options, theirs.get(), std::move(carrier));
        if (theirs && theirs->nbd) cookie.nbd = std::move(theirs->nbd);
        if (cookie.nbd) cookie.nbd->port = 0;
        if (migration->statistics) cookie.statistics = std::make_unique<CompletedJob>(*migration->statistics);
      }
      answer = cookie.Format();
      migration->phase = MigrationPhase::kPerform3Done;
      if (domain->guest) co_await driver_->guests_->StoreStatus(domain);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) co_await Restore(domain, migration);
  }
  if (failure) {
    End(domain, migration);
    std::rethrow_exception(failure);
  }
  auto session = client.lock();
  if (IsGiven(client) && (!session || !session->connected())) {
    Abandon(domain, migration);
  } else {
    WatchClient(domain, migration, client);
  }
  co_return answer;
}

// The guest goes on here, if it ran.
Task<> MigrationSource::Restore(DomainPtr domain, MigrationPtr migration) {
  if (!domain->guest) co_return;
  auto* guest = domain->guest.get();
  try {
    co_await ResetParameters(driver_->guests_.get(), domain, migration);
    if (domain->guest.get() != guest) co_return;
    bool stopped_by_us = domain->state() == State::kPaused && domain->reason() == paused::kMigration;
    // One that QEMU has let go on by itself may have lost its locks.
    bool without_locks = driver_->locks_->enabled() && domain->state() == State::kRunning;
    if ((stopped_by_us && migration->was_running) || without_locks) co_await driver_->guests_->Resume(domain, running::kMigrationCanceled);
    if (domain->guest.get() == guest) guest->run_reason = running::kUnpaused;
  } catch (const Error& error) {
    LogError(kSource, "cannot resume domain '{}' after a migration that failed: {}", domain->name(), error.message);
    if (domain->guest.get() == guest && domain->state() == State::kPaused) domain->SetState(State::kPaused, paused::kApiError);
  }
}

// --- confirm -------------------------------------------------------------------------------------

Task<> MigrationSource::Confirm(DomainPtr domain, MigrationOptions options, std::string cookie_text, bool cancelled) {
  auto migration = Continue(domain, cancelled ? MigrationPhase::kConfirm3Cancelled : MigrationPhase::kConfirm3);
  std::exception_ptr failure;
  {
    BusyMigration busy(migration);
    try {
      auto cookie = MigrationCookie::Parse(cookie_text, domain->name(), domain->uuid(), host::HostUuid());
      if (cancelled) {
        co_await Restore(domain, migration);
      } else if (domain->guest) {
        if (auto& job = migration->statistics; job && cookie && cookie->statistics) {
          job->elapsed_ms = cookie->statistics->elapsed_ms;
          job->downtime_ms = cookie->statistics->downtime_ms;
          job->delta_ms = cookie->statistics->delta_ms;
        }
        auto ref = domain->Ref();
        co_await driver_->guests_->StoreStatus(domain);
        co_await driver_->guests_->Stop(domain, shutoff::kMigrated, stopped::kMigrated);
        if (migration->statistics) driver_->events_.SendJobCompleted(ref, JobParams(*migration->statistics));
        domain->completed_job = std::move(migration->statistics);
      }
      if (!cancelled && options.Has(migrate::kUndefineSource) && domain->persistent) {
        co_await driver_->DeleteConfig(domain);
        domain->persistent = false;
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
  End(domain, migration);
  if (!failure && !cancelled && !domain->active() && !domain->persistent && !domain->removed) {
    driver_->domains_.Remove(domain);
    driver_->guests_->on_removed(domain);
  }
  if (failure) std::rethrow_exception(failure);
}

// --- after a restart -----------------------------------------------------------------------------

Task<> MigrationSource::Recover(DomainPtr domain) {
  auto* guest = domain->guest.get();
  auto phase = guest->cut_off_phase;
  guest->cut_off_out = false;
  auto turn = co_await domain->jobs.Begin(Job::kModify, "qemuProcessRecoverMigration");
  if (domain->guest.get() != guest) co_return;
  LogWarn(kSource, "a migration of domain '{}' was cut off in phase {}", domain->name(), PhaseName(phase));
  try {
    switch (phase) {
      case MigrationPhase::kPerform2:
      case MigrationPhase::kPerform3:
        co_await Cancel(domain);
        co_await RemoveMirrors(driver_->guests_.get(), domain);
        [[fallthrough]];
      case MigrationPhase::kConfirm3Cancelled:
        if (domain->guest.get() == guest && domain->state() == State::kPaused &&
            (domain->reason() == paused::kMigration || domain->reason() == paused::kUnknown))
          co_await driver_->guests_->Resume(domain, running::kMigrationCanceled);
        break;
      case MigrationPhase::kConfirm3:
        // The destination has it.
        co_await driver_->guests_->Stop(domain, shutoff::kMigrated, stopped::kMigrated);
        break;
      default:
        // Not begun; or sent, and nobody here knows what has become of it there: it stays stopped.
        break;
    }
  } catch (const Error& error) {
    LogError(kSource, "cannot clear up after a migration of domain '{}': {}", domain->name(), error.message);
  }
  if (domain->guest.get() == guest) driver_->guests_->SaveStatus(domain);
}

}  // namespace bv::qemu
