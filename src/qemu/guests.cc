#include "qemu/guests.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>


#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "qemu/agent.h"
#include "qemu/assigned_devices.h"
#include "qemu/guest_audit.h"
#include "qemu/guest_helpers.h"
#include "qemu/guest_hooks.h"
#include "qemu/guest_log.h"
#include "qemu/macvtap.h"
#include "qemu/migration/state.h"
#include "qemu/net_filters.h"
#include "qemu/network_ports.h"
#include "qemu/perf_counters.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_process";

using namespace std::chrono_literals;
// How long QEMU may take to end after SIGTERM, then after SIGKILL (which only waits for the kernel).
constexpr auto kTermGrace = 10s;
constexpr auto kKillGrace = 30s;

}  // namespace

Guest::~Guest() = default;

Guests::Guests(std::shared_ptr<const QemuConfig> config, DomainList* domains, DomainEvents* events, const DiskLocks* locks)
    : config_(std::move(config)),
      domains_(domains),
      events_(events),
      locks_(locks),
      display_ports_("display", config_->remote_display_port_min, config_->remote_display_port_max),
      websocket_ports_("webSocket", config_->remote_websocket_port_min, config_->remote_websocket_port_max),
      migration_ports_("migration", config_->migration_port_min, config_->migration_port_max) {}

Guests::~Guests() = default;

Monitor& Guests::MonitorOf(const DomainPtr& domain) {
  if (!domain->active() || !domain->guest || !domain->guest->monitor || !domain->guest->monitor->open())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
  return *domain->guest->monitor;
}

// --- running and pausing -----------------------------------------------------------------------

Task<> Guests::Resume(DomainPtr domain, int running_reason) {
  auto* guest = domain->guest.get();
  co_await locks_->Acquire(guest->locks, domain->def(), LockOwner(*domain));
  if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
  guest->run_reason = running_reason;
  std::exception_ptr failure;
  try {
    co_await RaiseInterfaces(domain);
    co_await MonitorOf(domain).Execute("cont");
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    if (domain->guest.get() == guest && domain->state() != State::kRunning) co_await ReleaseLocks(domain);
    std::rethrow_exception(failure);
  }
  // QEMU says nothing when it was running already.
  if (domain->active() && domain->state() != State::kRunning) OnResume(domain);
}

Task<> Guests::Pause(DomainPtr domain, int paused_reason) {
  domain->guest->pause_reason = paused_reason;
  co_await MonitorOf(domain).Execute("stop");
  if (domain->active() && domain->state() == State::kRunning) OnStop(domain);
  if (!domain->active()) co_return;
  if (auto traces = MacvtapTraces(domain->def()); !traces.empty()) {
    auto lower = [traces] { LowerMacvtaps(traces); };
    co_await Offload(std::move(lower));
  }
}

Task<> Guests::RaiseInterfaces(DomainPtr domain) {
  auto traces = MacvtapTraces(domain->def());
  if (traces.empty()) co_return;
  auto raise = [traces = std::move(traces)] { RaiseMacvtaps(traces); };
  co_await Offload(std::move(raise));
}

// --- locks ---------------------------------------------------------------------------------------

DiskLocks::Owner Guests::LockOwner(const Domain& domain) {
  return {domain.uuid(), domain.name(), static_cast<unsigned>(domain.id()), domain.guest->pid};
}

Task<> Guests::ReleaseLocks(DomainPtr domain) {
  if (domain->guest) co_await locks_->Release(domain->guest->locks, LockOwner(*domain));
}

Task<> Guests::LockImage(DomainPtr domain, const model::StorageSource& source) {
  co_await locks_->AcquireImage(domain->guest->locks, source, LockOwner(*domain));
}

Task<> Guests::UnlockImage(DomainPtr domain, const model::StorageSource& source) {
  co_await locks_->ReleaseImage(domain->guest->locks, source, LockOwner(*domain));
}

Task<> Guests::LockLease(DomainPtr domain, const model::Lease& lease) {
  co_await locks_->AcquireLease(domain->guest->locks, lease, LockOwner(*domain));
}

Task<> Guests::UnlockLease(DomainPtr domain, const model::Lease& lease) {
  co_await locks_->ReleaseLease(domain->guest->locks, lease, LockOwner(*domain));
}

// --- the end -------------------------------------------------------------------------------------

Task<> Guests::Kill(DomainPtr domain, bool graceful) {
  auto* guest = domain->guest.get();
  if (guest->exited.is_set()) co_return;
  guest->being_destroyed = true;
  auto pid = guest->pid;
  guest->child.Signal(SIGTERM);
  // A stopped process acts on nothing but SIGKILL and SIGCONT.
  guest->child.Signal(SIGCONT);
  if (co_await guest->exited.Wait(In(kTermGrace)) || domain->guest.get() != guest) co_return;
  if (graceful) {
    guest->being_destroyed = false;
    throw SystemError(ErrorDomain::kNone, EBUSY, fmt::format("Failed to terminate process {} with SIGTERM", pid));
  }
  LogWarn(kSource, "domain '{}' ignores SIGTERM, killing process {}", domain->name(), pid);
  guest->child.Signal(SIGKILL);
  if (!co_await guest->exited.Wait(In(kKillGrace)) && domain->guest.get() == guest)
    throw SystemError(ErrorDomain::kNone, EBUSY, fmt::format("Failed to terminate process {} with SIGKILL", pid));
}

Task<> Guests::Stop(DomainPtr domain, int shutoff_reason, int stopped_detail) {
  if (!domain->guest || domain->guest->ended) co_return;
  domain->guest->ended = true;
  auto ref = domain->Ref();
  try {
    if (!domain->guest->exited.is_set()) co_await Kill(domain, false);
  } catch (...) {
    domain->guest->ended = false;
    throw;
  }
  // Before anybody hears of the end, who may want to start the next guest with the same disks.
  co_await ReleaseLocks(domain);
  co_await AppendToLog(domain, EndLine(ReasonName(State::kShutoff, shutoff_reason)));
  if (stopped_detail >= 0) AuditStop(*domain, shutoff_reason);
  std::string name = domain->name(), definition = DefinitionForHooks(*domain);
  co_await TellGuestHooks(name, "stopped", definition);
  co_await CleanUp(domain);
  co_await TellGuestHooks(name, "release", definition);
  domain->SetState(State::kShutoff, shutoff_reason);
  if (domain->migration && !domain->migration->busy) domain->migration.reset();
  if (stopped_detail >= 0) events_->SendLifecycle(ref, Lifecycle::kStopped, stopped_detail);
  if (!domain->persistent && !domain->removed) {
    domains_->Remove(domain);
    on_removed(domain);
  }
  if (domains_->active() == 0) on_idle();
}

// Gives back and removes what the start made. The process is gone.
Task<> Guests::CleanUp(DomainPtr domain) {
  auto guest = std::move(domain->guest);
  PerfCounters::Drop(domain->uuid());
  if (guest->monitor) guest->monitor->Close();
  if (guest->agent) guest->agent.reset();
  for (auto& [path, stream] : guest->consoles) {
    if (stream) stream->WriteEnd();
  }
  for (auto port : guest->reserved_ports) {
    display_ports_.Release(port);
    websocket_ports_.Release(port);
  }
  std::vector<OwnedFile> files;
  if (config_->dynamic_ownership) files = OwnedFiles(domain->def(), guest->output_through_logd);
  auto ports = NetworkPortsOf(domain->def());
  std::vector<HelperTrace> helpers = HelperTraces(domain->def(), *config_);
  // A guest that is gone with its process leaves no TPM behind.
  std::string tpm_store = domain->persistent ? std::string() : TpmStoreToForget(domain->def(), *config_, 0);
  std::vector<std::string> filtered = FilteredInterfaces(domain->def());
  auto macvtaps = MacvtapTraces(domain->def());
  // A start that failed may not have got what its definition names.
  auto uuid = domain->uuid();
  auto assigned = AssignedDevices(domain->def());
  std::erase_if(assigned, [&](auto& device) { return !DeviceClaims::Get().Has(device, uuid); });
  if (config_->dynamic_ownership && !assigned.empty()) {
    auto more = HostdevFiles(domain->def());
    files.insert(files.end(), more.begin(), more.end());
  }
  domains_->ClearLive(domain);
  auto cgroup = guest->cgroup;
  auto remember = guest->remember_owner;
  auto status_file = guest->status_file, pid_file = guest->pid_file;
  auto lib_dir = guest->lib_dir, channel_dir = guest->channel_dir;
  auto config = config_;
  co_await UnbindFilters(std::move(filtered));
  co_await ReleaseNetworkPorts(std::move(ports));
  auto work = [=] {
    EndHelpers(helpers);
    if (!tpm_store.empty()) RemoveTree(tpm_store);
    GiveBackFiles(files, remember);
    RemoveMacvtaps(macvtaps, config->dirs.state);
    ReattachToHost(assigned);
    cgroup.Remove();
    unlink(pid_file.c_str());
    if (!lib_dir.empty()) RemoveTree(lib_dir);
    if (!channel_dir.empty()) RemoveTree(channel_dir);
    // Last: as long as it is there, the next daemon would finish this.
    unlink(status_file.c_str());
  };
  co_await Offload(std::move(work));
  DeviceClaims::Get().Release(assigned, uuid);
  // A write that was under way when we removed the file finds the guest gone and leaves it be.
}

// Waits for the process and for the last of what it had to say, then deals with an end that
// nobody asked for.
Task<> Guests::WatchExit(DomainPtr domain) {
  auto* guest = domain->guest.get();
  guest->exit_status = co_await guest->child.Wait();
  if (domain->guest.get() != guest) co_return;
  // The monitor's socket is closed with the process: what is left to read ends soon.
  while (domain->guest.get() == guest && guest->monitor && guest->monitor->open()) {
    if (!co_await guest->changed.Wait(In(1s))) break;
  }
  if (domain->guest.get() != guest) co_return;
  bool expected = guest->being_destroyed || guest->starting || guest->ended;
  guest->exited.Set();
  if (!expected) co_await HandleEnd(domain);
}

Task<> Guests::HandleEnd(DomainPtr domain) {
  auto* guest = domain->guest.get();
  try {
    auto turn = co_await domain->jobs.Begin(Job::kDestroy, "qemuProcessHandleMonitorEOF");
    if (domain->guest.get() != guest || guest->ended) co_return;
    bool orderly = domain->state() == State::kShutdown;
    if (!orderly) LogDebug(kSource, "the guest of '{}' ended without a SHUTDOWN event", domain->name());
    co_await Stop(domain, orderly ? shutoff::kShutdown : shutoff::kCrashed,
                  orderly ? stopped::kShutdown : stopped::kFailed);
  } catch (const Error& error) {
    LogError(kSource, "cannot clean up after '{}': {}", domain->name(), error.message);
  }
}

// --- the monitor ---------------------------------------------------------------------------------

void Guests::ConnectMonitor(const DomainPtr& domain, Fd socket) {
  // The monitor belongs to the guest, which belongs to the domain: no strong reference in here.
  std::weak_ptr<Domain> weak = domain;
  domain->guest->monitor = std::make_unique<Monitor>(
      std::move(socket),
      [this, weak](const MonitorEvent& event) {
        if (auto domain = weak.lock()) OnMonitorEvent(domain, event);
      },
      [this, weak] {
        auto domain = weak.lock();
        if (!domain || !domain->guest) return;
        if (domain->guest->monitor->lost_answers() && !domain->guest->starting) events_->SendControlError(domain->Ref());
        domain->guest->changed.Pulse();
      });
}

}  // namespace bv::qemu
