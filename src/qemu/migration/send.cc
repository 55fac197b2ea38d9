// The part of a migration in which a guest's memory goes to the other host.

#include <fmt/core.h>

#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "daemon/dial.h"
#include "daemon/uri.h"
#include "qemu/driver.h"
#include "qemu/migration/parameters.h"
#include "qemu/migration/source.h"
#include "qemu/migration/statistics.h"
#include "qemu/migration/storage.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;
constexpr int kOperationOut = 5;  // virDomainJobOperation

[[noreturn]] void Fail(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, what); }

}  // namespace

Task<> MigrationSource::Send(DomainPtr domain, MigrationPtr migration, MigrationOptions options, MigrationCookie* theirs,
                             std::shared_ptr<Fd> carrier) {
  auto* guests = driver_->guests_.get();
  auto* guest = domain->guest.get();
  auto check = [&] {
    if (domain->guest.get() != guest || guest->ended) Fail("domain is not running");
    if (migration->abort) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationAborted, "job 'migration out' canceled by client");
  };
  CheckParameters(options, MigrationSide::kSource);
  MigrationAddress address;
  if (!carrier) {
    if (!options.uri) throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "no migration URI was given");
    address = ParseMigrationAddress(*options.uri);
  }
  migration->was_running = domain->state() == State::kRunning;
  if (!options.Has(migrate::kLive) && migration->was_running) {
    co_await guests->Pause(domain, paused::kMigration);
    check();
    migration->stopped_ms = WallMs();
  }
  co_await SetParameters(guests, domain, migration, options, MigrationSide::kSource, theirs, address.host);
  check();
  if (options.CopiesDisks()) {
    co_await MirrorDisks(guests, domain, migration, options, theirs, address);
    check();
  }
  std::exception_ptr failure;
  try {
    guest->migration_status.clear();
    guest->spice_migrated = false;
    const bool moves_display = co_await MoveDisplay(domain, options, theirs, address);
    check();
    // Several connections QEMU makes itself.
    const bool by_itself = options.Has(migrate::kParallel);
    auto uri = fmt::format("tcp:{}", HostAndPort(address.host, address.port));
    if (by_itself && address.unix_socket) uri = "unix:" + address.host;
    std::vector<MonitorCommand> commands;
    if (!by_itself) {
      auto connect = [address] {
        return std::make_shared<Fd>(address.unix_socket ? DialUnix(address.host) : DialTcp(address.host, address.port));
      };
      if (!carrier) carrier = co_await Offload(std::move(connect));
      check();
      uri = "fd:migrate";
      commands.push_back({.name = "getfd", .arguments = Json::Object({{"fdname", "migrate"}}), .fd = carrier->get()});
    }
    auto arguments = Json::Object({{"detach", true}, {"resume", false}, {"uri", uri}});
    commands.push_back({.name = "migrate", .arguments = arguments});
    auto replies = co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
    for (auto& reply : replies) reply.Value();
    // QEMU has its own now, and its end must be the last.
    carrier.reset();
    check();
    co_await AwaitSent(domain, migration, options);
    // Its client goes over while there is somebody to tell it where to.
    const auto patience = In(10s);
    while (moves_display && domain->guest.get() == guest && !guest->ended && !guest->spice_migrated) {
      if (!co_await guest->changed.Wait(patience)) break;
    }
    check();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    if (domain->guest.get() == guest && !guest->ended) {
      co_await Cancel(domain);
      co_await RemoveMirrors(guests, domain);
    }
    std::rethrow_exception(failure);
  }
  auto answer = co_await guests->MonitorOf(domain).Execute("query-migrate");
  if (domain->guest.get() != guest) Fail("domain is not running");
  migration->statistics = MigrationStatistics(answer, *migration, kOperationOut);
}

// Tells the viewer of a SPICE display where it is to go on. False when there is none.
Task<bool> MigrationSource::MoveDisplay(DomainPtr domain, MigrationOptions options, const MigrationCookie* theirs, MigrationAddress address) {
  if (!theirs || !theirs->graphics || theirs->graphics->type != "spice") co_return false;
  auto& there = *theirs->graphics;
  std::string host = there.listen;
  if (host.empty() || host == "0.0.0.0" || host == "::") host = address.host.empty() ? theirs->host_name : address.host;
  int port = there.port, tls_port = there.tls_port;
  if (options.graphics_uri) {
    auto uri = Uri::Parse(*options.graphics_uri);
    if (uri.scheme != there.type) co_return false;
    host = uri.server;
    port = uri.port;
  }
  auto arguments = Json::Object({{"protocol", "spice"}, {"hostname", host}});
  if (port > 0) arguments.Set("port", port);
  if (tls_port > 0) arguments.Set("tls-port", tls_port);
  if (!there.tls_subject.empty()) arguments.Set("cert-subject", there.tls_subject);
  co_await driver_->guests_->MonitorOf(domain).Execute("client_migrate_info", arguments);
  co_return true;
}

// Ends what QEMU sends, if it does; the guest that it stopped for that it lets go on by itself.
Task<> MigrationSource::Cancel(DomainPtr domain) {
  auto* guest = domain->guest.get();
  try {
    co_await driver_->guests_->MonitorOf(domain).Execute("migrate_cancel");
    for (;;) {
      if (domain->guest.get() != guest || guest->ended) co_return;
      auto answer = co_await driver_->guests_->MonitorOf(domain).Execute("query-migrate");
      auto status = answer["status"].AsString().value_or("none");
      if (status == "none" || status == "cancelled" || status == "failed" || status == "completed") break;
      co_await Sleep(20ms);
    }
    // Its event comes before the answer to what is asked after it.
    co_await driver_->guests_->MonitorOf(domain).Execute("query-status");
  } catch (const Error& error) {
    LogWarn("qemu.qemu_migration", "cannot cancel the migration of '{}': {}", domain->name(), error.message);
  }
}

Task<> MigrationSource::AwaitSent(DomainPtr domain, MigrationPtr migration, MigrationOptions options) {
  auto* guest = domain->guest.get();
  auto* guests = driver_->guests_.get();
  bool switched = false;
  for (;;) {
    auto& status = guest->migration_status;
    if (status == "completed") co_return;
    if (status == "cancelled") throw Error(ErrorDomain::kQemu, ErrorCode::kOperationAborted, "job 'migration out' canceled by client");
    if (status == "failed") {
      auto answer = co_await guests->MonitorOf(domain).Execute("query-migrate");
      if (auto reason = answer["error-desc"].AsString()) Fail(fmt::format("job 'migration out' failed: {}", *reason));
      Fail("job 'migration out' unexpectedly failed");
    }
    if (status == "pre-switchover" && !switched) {
      switched = true;
      co_await NoteMirrors(guests, domain, migration);
      co_await EndMirrors(guests, domain, migration);
      // Before the guest may run there.
      if (domain->guest.get() == guest) co_await guests->ReleaseLocks(domain);
      if (domain->guest.get() != guest || guest->ended) Fail("domain is not running");
      if (migration->abort) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationAborted, "job 'migration out' canceled by client");
      auto go_on = Json::Object({{"state", "pre-switchover"}});
      co_await guests->MonitorOf(domain).Execute("migrate-continue", go_on);
      continue;
    }
    if (migration->abort) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationAborted, "job 'migration out' canceled by client");
    if (options.Has(migrate::kAbortOnError) && domain->state() == State::kPaused && domain->reason() == paused::kIoError)
      Fail("job 'migration out' failed due to I/O error");
    if (MirrorFailed(*domain, *migration)) Fail("migration of disks failed");
    co_await guest->changed.Wait();
    if (domain->guest.get() != guest || guest->ended || !guest->monitor || !guest->monitor->open()) Fail("domain is not running");
  }
}

}  // namespace bv::qemu
