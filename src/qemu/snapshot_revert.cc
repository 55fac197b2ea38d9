// Going back to a snapshot.

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/verbatim_error.h"
#include "qemu/abi.h"
#include "qemu/defaults/defaults.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"
#include "qemu/qemu_img.h"
#include "qemu/snapshot_calls.h"
#include "qemu/snapshot_rules.h"

namespace bv::qemu {
namespace {

using model::SnapshotState;

// virDomainSnapshotRevertFlags
enum : unsigned { kRunning = 1, kPaused = 2, kForce = 4, kResetNvram = 8 };

[[noreturn]] void Fail(ErrorCode code, std::string what) { throw Error(ErrorDomain::kQemu, code, std::move(what)); }

bool HasMemory(const model::Snapshot& snapshot) {
  return snapshot.state == SnapshotState::kRunning || snapshot.state == SnapshotState::kPaused;
}

void CheckRevertible(const model::Snapshot& snapshot, const Domain& domain, unsigned flags) {
  if (domain.active() && domain.guest && !domain.guest->block_jobs.empty()) Fail(ErrorCode::kOperationInvalid, "domain has active block job");
  if (!domain.persistent && !HasMemory(snapshot) && !(flags & (kRunning | kPaused)))
    Fail(ErrorCode::kOperationInvalid, "transient domain needs to request run or pause to revert to inactive snapshot");
  if (snapshot.IsExternal()) Fail(ErrorCode::kConfigUnsupported, "revert to external snapshot not supported yet");
  if (!snapshot.domain && !(flags & kForce))
    Fail(ErrorCode::kSnapshotRevertRisky, fmt::format("snapshot '{}' lacks domain '{}' rollback info", snapshot.name, domain.name()));
  if (!(flags & kForce) && domain.has_managed_save && !HasMemory(snapshot))
    Fail(ErrorCode::kSnapshotRevertRisky,
         "snapshot without memory state, removal of existing managed saved state strongly recommended to avoid corruption");
  if (snapshot.state == SnapshotState::kPmsuspended)
    Fail(ErrorCode::kOperationUnsupported, "qemu doesn't support reversion of snapshot taken in PMSUSPENDED state");
  bool known = HasMemory(snapshot) || snapshot.state == SnapshotState::kShutoff || snapshot.state == SnapshotState::kCrashed ||
               snapshot.state == SnapshotState::kShutdown;
  if (!known)
    Fail(ErrorCode::kInternalError, fmt::format("Invalid target domain state '{}'. Refusing snapshot reversion", ToString(snapshot.state)));
}

}  // namespace

Task<> SnapshotCalls::DomainRevertToSnapshot(Call&, remote::DomainRevertToSnapshotArgs args) {
  CheckFlags(args.flags, kRunning | kPaused | kForce | kResetNvram, "qemuDomainRevertToSnapshot");
  if ((args.flags & kRunning) && (args.flags & kPaused))
    throw VerbatimError(ErrorDomain::kDomainSnapshot, ErrorCode::kInvalidArg,
                        "Flags 'VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING' and 'VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED' are mutually exclusive");
  auto domain = co_await Find(args.snap.dom);
  co_await Revert(domain, args.snap.name, args.flags);
}

Task<> SnapshotCalls::Revert(DomainPtr domain, std::string name, unsigned flags) {
  constexpr int kOperationRevert = 7;
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kSnapshot, kOperationRevert, "remoteDispatchDomainRevertToSnapshot");
  auto& guests = *driver_->guests_;
  auto* snapshot = MomentStore::Of(domain).snapshots.Find(name);
  if (!snapshot) Fail(ErrorCode::kNoDomainSnapshot, fmt::format("no domain snapshot with matching name '{}'", name));
  CheckRevertible(*snapshot, *domain, flags);
  bool with_memory = HasMemory(*snapshot);
  bool pause = flags & kPaused || (snapshot->state == SnapshotState::kPaused && !(flags & kRunning));
  auto& whole = snapshot->domain ? *snapshot->domain : domain->def();
  auto live = CopyDefinition(whole);
  std::unique_ptr<model::DomainDef> config;
  if (snapshot->inactive_domain) config = CopyDefinition(*snapshot->inactive_domain);
  else if (!with_memory && snapshot->domain) config = CopyDefinition(whole);
  auto images = InternalImages(*snapshot, whole);

  // A transient domain lives on in its next guest.
  bool transient = !domain->persistent;
  domain->persistent = true;
  std::exception_ptr failure;
  bool defined = false;
  try {
    if (domain->active()) co_await guests.Stop(domain, shutoff::kFromSnapshot, stopped::kFromSnapshot);
    if (!with_memory) {
      for (auto& image : images) {
        std::vector<std::string> arguments{"snapshot", "-a", name, image};
        co_await QemuImg(arguments);
      }
    }
    if (config) {
      domain->SetConfig(std::move(config));
      defined = !transient;
    }
    StartOptions options;
    options.started_detail = started::kFromSnapshot;
    if (with_memory || (flags & (kRunning | kPaused))) {
      auto caps = co_await driver_->CapsOf(*live);
      AssignAliases(*live);
      if (with_memory) options.load_snapshot = name;
      options.paused = pause;
      if (with_memory) options.running_reason = running::kFromSnapshot;
      if (with_memory) options.paused_reason = paused::kFromSnapshot;
      co_await guests.Start(domain, std::move(live), caps, options);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (transient) {
    domain->persistent = false;
    if (domain->active()) domain->TakeConfig();
    else if (!domain->removed) driver_->domains_.Remove(domain);
  }
  if (failure) std::rethrow_exception(failure);
  if (defined) {
    driver_->events_.SendLifecycle(domain->Ref(), Lifecycle::kDefined, defined::kFromSnapshot);
    co_await driver_->SaveConfig(domain);
  }
  co_await driver_->moments_->MakeSnapshotCurrent(domain, name);
}

}  // namespace bv::qemu
