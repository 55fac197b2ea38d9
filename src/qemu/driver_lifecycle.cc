// Starting, stopping, pausing, and poking at running guests.

#include <fmt/core.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "qemu/agent.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/order.h"
#include "qemu/defaults/validate.h"
#include "qemu/autodestroy.h"
#include "qemu/backup_calls.h"
#include "qemu/driver.h"
#include "qemu/job_params.h"
#include "qemu/keycodes.h"
#include "qemu/migration/statistics.h"
#include "qemu/migration/storage.h"
#include "qemu/nvram.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;
constexpr const char* kSource = "qemu.qemu_driver";

[[noreturn]] void Invalid(const char* what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, what); }

// virDomainCreateFlags
enum : unsigned { kStartPaused = 1, kStartAutodestroy = 2, kStartBypassCache = 4, kStartForceBoot = 8, kStartValidate = 16, kStartResetNvram = 32 };
constexpr unsigned kCreateXmlFlags = kStartPaused | kStartAutodestroy | kStartValidate | kStartResetNvram;
constexpr unsigned kCreateFlags = kStartPaused | kStartAutodestroy | kStartBypassCache | kStartForceBoot | kStartResetNvram;

}  // namespace

// --- start ---------------------------------------------------------------------------------------

Task<> QemuDriver::StartDomain(DomainPtr domain, unsigned flags, const char* api) {
  constexpr int kOperationStart = 1;
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kStart, kOperationStart, api);
  if (domain->active()) Invalid("domain is already running");
  if (domain->removed) Find(domain->Ref());
  domain->completed_job.reset();
  if (domain->has_managed_save) {
    if (flags & kStartForceBoot) {
      unlink(SavePath(*domain).c_str());
      domain->has_managed_save = false;
    } else if (co_await StartFromManagedSave(domain, flags & kStartPaused)) {
      co_return;
    }
  }
  auto live = Copy(*domain->config());
  // libvirt sets a fresh copy aside for the next start, and a copy comes in order.
  OrderControllers(*domain->MutableConfig());
  auto caps = co_await CapsOf(*live);
  ValidateDomain(*live, *caps, *config_);
  AssignAliases(*live);
  StartOptions options;
  options.paused = flags & kStartPaused;
  if (flags & kStartResetNvram) ForgetNvram(*live, *config_);
  co_await guests_->Start(domain, std::move(live), caps, options);
}

Task<> QemuDriver::DomainCreate(Call&, remote::DomainCreateArgs args) {
  auto domain = co_await Get(args.dom);
  co_await StartDomain(domain, 0, "remoteDispatchDomainCreate");
}

Task<remote::DomainCreateWithFlagsRet> QemuDriver::DomainCreateWithFlags(Call& call, remote::DomainCreateWithFlagsArgs args) {
  CheckFlags(args.flags, kCreateFlags, "qemuDomainCreateWithFlags");
  auto domain = co_await Get(args.dom);
  co_await StartDomain(domain, args.flags, "remoteDispatchDomainCreateWithFlags");
  if (args.flags & kStartAutodestroy) Autodestroy(call.client(), guests_.get(), domain);
  co_return remote::DomainCreateWithFlagsRet{domain->Ref()};
}

Task<DomainPtr> QemuDriver::AddForStart(const model::DomainDef& def) {
  auto domain = domains_.FindSame(def.name, def.uuid);
  if (domain && domain->active())
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationInvalid, fmt::format("domain '{}' is already active", def.name));
  bool existed = domain != nullptr;
  if (!existed) {
    domain = std::make_shared<Domain>(def.name, def.uuid);
    domain->jobs.set_max_queued(config_->max_queued);
    domains_.Add(domain);
  } else {
    co_await EnsureParsed(domain);
  }
  co_return domain;
}

Task<DomainPtr> QemuDriver::CreateTransient(std::string xml, unsigned flags) {
  unsigned parse = model::kParseInactive | model::kParseAbiUpdate;
  if (flags & kStartValidate) parse |= model::kParseValidate;
  auto live = co_await ReadXml(std::move(xml), parse);
  auto caps = co_await CapsOf(*live);
  ValidateDomain(*live, *caps, *config_);
  auto domain = co_await AddForStart(*live);
  constexpr int kOperationStart = 1;
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kStart, kOperationStart, "remoteDispatchDomainCreateXML");
  if (domain->active()) Invalid("domain is already running");
  AssignAliases(*live);
  StartOptions options;
  options.paused = flags & kStartPaused;
  if (flags & kStartResetNvram) ForgetNvram(*live, *config_);
  // A failed start removes a transient domain again: Guests::Stop does.
  co_await guests_->Start(domain, std::move(live), caps, options);
  co_return domain;
}

Task<remote::DomainCreateXmlRet> QemuDriver::DomainCreateXml(Call& call, remote::DomainCreateXmlArgs args) {
  CheckFlags(args.flags, kCreateXmlFlags, "qemuDomainCreateXML");
  auto domain = co_await CreateTransient(std::move(args.xml_desc), args.flags);
  if (args.flags & kStartAutodestroy) Autodestroy(call.client(), guests_.get(), domain);
  co_return remote::DomainCreateXmlRet{domain->Ref()};
}

// Once after each boot of the host: a file among the run-time state tells later daemons.
Task<> QemuDriver::AutostartAll() {
  // Gone with the next boot, like everything in that directory.
  auto mark = config_->dirs.state + "/autostarted";
  Fd fd(open(mark.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) co_return;
  for (auto& domain : domains_.All()) {
    if (!domain->autostart || domain->active() || domain->removed) continue;
    try {
      co_await EnsureParsed(domain);
      co_await StartDomain(domain, 0, "autostart");
    } catch (const Error& error) {
      LogError(kSource, "Failed to autostart VM '{}': {}", domain->name(), error.message);
    }
  }
}

// --- stop ----------------------------------------------------------------------------------------

Task<> QemuDriver::DomainDestroy(Call& call, remote::DomainDestroyArgs args) {
  remote::DomainDestroyFlagsArgs with_flags;
  with_flags.dom = args.dom;
  co_await DomainDestroyFlags(call, with_flags);
}

Task<> QemuDriver::DomainDestroyFlags(Call&, remote::DomainDestroyFlagsArgs args) {
  constexpr unsigned kGraceful = 1, kRemoveLogs = 2;
  CheckFlags(args.flags, kGraceful | kRemoveLogs, "qemuDomainDestroyFlags");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto turn = co_await domain->jobs.Begin(Job::kDestroy, "remoteDispatchDomainDestroyFlags");
  RequireActive(*domain);
  if (domain->guest->pid < 0) Invalid("domain is still being started");
  co_await guests_->Kill(domain, args.flags & kGraceful);
  // It may have ended by itself while we waited.
  RequireActive(*domain);
  auto log = domain->guest->log_file;
  co_await guests_->Stop(domain, shutoff::kDestroyed, stopped::kDestroyed);
  auto work = [log] { unlink(log.c_str()); };
  if (args.flags & kRemoveLogs) co_await Offload(std::move(work));
}

namespace {
enum : unsigned { kAcpi = 1, kAgent = 2, kParavirt = 16 };
}

namespace {

// The guest's own power-off or reboot, as its agent does it.
enum class PowerMode { kPowerdown, kReboot };
Json GuestShutdown(PowerMode mode) {
  return Json::Object({{"mode", mode == PowerMode::kReboot ? "reboot" : "powerdown"}});
}

void RequireRunning(const Domain& domain) {
  if (domain.state() != State::kRunning) Invalid("domain is not running");
}

}  // namespace

// Asks the agent, unless only ACPI was asked for; false when ACPI is to be tried.
Task<bool> QemuDriver::ShutdownByAgent(DomainPtr domain, unsigned flags, bool reboot) {
  if (flags && !(flags & kAgent)) co_return false;
  bool agent_only = flags == kAgent, asked = false;
  try {
    RequireRunning(*domain);
    AgentOf(domain);
    asked = true;
    auto arguments = GuestShutdown(reboot ? PowerMode::kReboot : PowerMode::kPowerdown);
    domain->guest->fake_reboot = false;
    co_await AskAgent(domain, "guest-shutdown", arguments);
    co_return true;
  } catch (const Error& error) {
    // A guest that does as it is told has no time to answer: its channel just closes.
    bool obeyed = error.code == ErrorCode::kAgentUnresponsive && asked &&
                  (domain->state() != State::kRunning || !domain->guest || !domain->guest->agent_connected);
    if (obeyed) co_return true;
    if (agent_only) throw;
  }
  co_return false;
}

Task<> QemuDriver::CallShutdown(DomainPtr domain, unsigned flags) {
  // Who accepts either way is content with a guest that is off.
  if (flags == (kAcpi | kAgent) && !domain->active()) co_return;
  if (co_await ShutdownByAgent(domain, flags, false)) co_return;
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainShutdownFlags");
  RequireRunning(*domain);
  domain->guest->fake_reboot = false;
  co_await guests_->MonitorOf(domain).Execute("system_powerdown");
}

Task<> QemuDriver::DomainShutdown(Call&, remote::DomainShutdownArgs args) {
  auto domain = co_await Get(args.dom);
  co_await CallShutdown(domain, 0);
}

Task<> QemuDriver::DomainShutdownFlags(Call&, remote::DomainShutdownFlagsArgs args) {
  CheckFlags(args.flags, kAcpi | kAgent, "qemuDomainShutdownFlags");
  auto domain = co_await Get(args.dom);
  co_await CallShutdown(domain, args.flags);
}

Task<> QemuDriver::DomainReboot(Call&, remote::DomainRebootArgs args) {
  CheckFlags(args.flags, kAcpi | kAgent, "qemuDomainReboot");
  auto domain = co_await Get(args.dom);
  if (co_await ShutdownByAgent(domain, args.flags, true)) co_return;
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainReboot");
  RequireActive(*domain);
  // ACPI knows no reboot: the guest is asked to power off, and started again when it has.
  domain->guest->fake_reboot = true;
  guests_->SaveStatus(domain);
  co_await guests_->MonitorOf(domain).Execute("system_powerdown");
}

Task<> QemuDriver::DomainReset(Call&, remote::DomainResetArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainReset");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainReset");
  RequireActive(*domain);
  co_await guests_->MonitorOf(domain).Execute("system_reset");
  if (!domain->guest) co_return;
  domain->guest->fake_reboot = false;
  if (domain->state() == State::kCrashed) domain->SetState(State::kPaused, paused::kCrashed);
}

// --- pause ---------------------------------------------------------------------------------------

Task<> QemuDriver::DomainSuspend(Call&, remote::DomainSuspendArgs args) {
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto turn = co_await domain->jobs.Begin(Job::kSuspend, "remoteDispatchDomainSuspend");
  RequireActive(*domain);
  if (domain->state() == State::kPmSuspended) Invalid("domain is pmsuspended");
  if (domain->state() == State::kPaused) co_return;
  co_await guests_->Pause(domain, paused::kUser);
}

Task<> QemuDriver::DomainResume(Call&, remote::DomainResumeArgs args) {
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainResume");
  RequireActive(*domain);
  if (domain->state() == State::kPmSuspended) Invalid("domain is pmsuspended");
  if (domain->state() == State::kRunning) Invalid("domain is already running");
  co_await guests_->Resume(domain, running::kUnpaused);
}

Task<> QemuDriver::DomainPmWakeup(Call&, remote::DomainPmWakeupArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainPMWakeup");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainPMWakeup");
  RequireActive(*domain);
  co_await guests_->MonitorOf(domain).Execute("system_wakeup");
}

Task<> QemuDriver::DomainPmSuspendForDuration(Call&, remote::DomainPmSuspendForDurationArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainPMSuspendForDuration");
  if (args.duration)
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, "Duration not supported. Use 0 for now");
  constexpr const char* kCommands[] = {"guest-suspend-ram", "guest-suspend-disk", "guest-suspend-hybrid"};
  if (args.target >= std::size(kCommands))
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("Unknown suspend target: {}", args.target));
  auto domain = co_await Get(args.dom);
  co_await AskAgent(domain, kCommands[args.target]);
}

// --- keys and interrupts -------------------------------------------------------------------------

Task<> QemuDriver::DomainInjectNmi(Call&, remote::DomainInjectNmiArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainInjectNMI");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainInjectNMI");
  RequireActive(*domain);
  co_await guests_->MonitorOf(domain).Execute("inject-nmi");
}

Task<> QemuDriver::DomainSendKey(Call&, remote::DomainSendKeyArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSendKey");
  auto keys = Json::Array();
  for (auto code : args.keycodes) {
    auto number = TranslateKey(args.codeset, code);
    if (!number)
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
                  fmt::format("cannot translate keycode {} of {} codeset to qnum keycode", code, CodesetName(args.codeset)));
    auto key = Json::Object();
    key.Set("type", "number");
    key.Set("data", *number);
    keys.Append(key);
  }
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSendKey");
  RequireActive(*domain);
  auto arguments = Json::Object();
  arguments.Set("keys", keys);
  if (args.holdtime) arguments.Set("hold-time", args.holdtime);
  co_await guests_->MonitorOf(domain).Execute("send-key", arguments);
}

// --- raw monitor and agent -----------------------------------------------------------------------

Task<qemu_protocol::DomainMonitorCommandRet> QemuDriver::DomainMonitorCommand(Call&, qemu_protocol::DomainMonitorCommandArgs args) {
  constexpr unsigned kHmp = 1;
  CheckFlags(args.flags, kHmp, "qemuDomainQemuMonitorCommandWithFiles");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  // Only a query's turn: the client knows best what it sends.
  co_await guests_->Taint(domain, Taint::kCustomMonitor);
  auto& monitor = guests_->MonitorOf(domain);
  qemu_protocol::DomainMonitorCommandRet ret;
  if (args.flags & kHmp) {
    ret.result = co_await monitor.ExecuteHuman(args.cmd);
  } else {
    ret.result = co_await monitor.ExecuteText(args.cmd);
  }
  co_return ret;
}

Task<qemu_protocol::DomainAgentCommandRet> QemuDriver::DomainAgentCommand(Call&, qemu_protocol::DomainAgentCommandArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainQemuAgentCommand");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  AgentOf(domain);
  co_await guests_->Taint(domain, Taint::kCustomGaCommand);
  AgentOf(domain);
  qemu_protocol::DomainAgentCommandRet ret;
  auto agent = domain->guest->agent;
  ret.result = co_await agent->ExecuteText(args.cmd, args.timeout);
  co_return ret;
}

// --- jobs ----------------------------------------------------------------------------------------

namespace {

std::uint64_t ElapsedMs(const JobQueue& jobs) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - jobs.async_started()).count());
}

// virDomainJobType
enum { kJobNone = 0, kJobBounded = 1, kJobUnbounded = 2 };

}  // namespace

// What QEMU says of a migration that is under way; null when none is. Only where it comes from it is known.
Task<std::unique_ptr<CompletedJob>> QemuDriver::RunningMigration(DomainPtr domain) {
  auto migration = domain->migration;
  if (domain->jobs.async() == AsyncJob::kMigrationIn)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "migration statistics are available only on the source host");
  if (!migration || domain->jobs.async() != AsyncJob::kMigrationOut || migration->phase == MigrationPhase::kBegin3) co_return nullptr;
  if (migration->statistics) co_return std::make_unique<CompletedJob>(*migration->statistics);
  auto answer = co_await guests_->MonitorOf(domain).Execute("query-migrate");
  co_await NoteMirrors(guests_.get(), domain, migration);
  auto job = MigrationStatistics(answer, *migration, domain->jobs.async_operation());
  if (!job->ram) co_return nullptr;
  co_return job;
}

Task<remote::DomainGetJobInfoRet> QemuDriver::DomainGetJobInfo(Call&, remote::DomainGetJobInfoArgs args) {
  auto domain = Find(args.dom);
  RequireActive(*domain);
  remote::DomainGetJobInfoRet ret;
  if (domain->jobs.async() == AsyncJob::kNone) co_return ret;
  ret.type = kJobUnbounded;
  ret.timeElapsed = ElapsedMs(domain->jobs);
  auto job = co_await RunningMigration(domain);
  if (!job) co_return ret;
  auto number = [&](const char* key) { return job->ram[key].AsUint().value_or(0); };
  ret.timeElapsed = job->elapsed_ms;
  ret.memTotal = number("total");
  ret.memProcessed = number("transferred");
  ret.memRemaining = number("remaining");
  ret.fileTotal = job->disks->total;
  ret.fileProcessed = job->disks->processed;
  ret.fileRemaining = ret.fileTotal - ret.fileProcessed;
  ret.dataTotal = ret.memTotal + ret.fileTotal;
  ret.dataProcessed = ret.memProcessed + ret.fileProcessed;
  ret.dataRemaining = ret.memRemaining + ret.fileRemaining;
  co_return ret;
}

Task<remote::DomainGetJobStatsRet> QemuDriver::DomainGetJobStats(Call&, remote::DomainGetJobStatsArgs args) {
  constexpr unsigned kCompleted = 1, kKeepCompleted = 2;
  CheckFlags(args.flags, kCompleted | kKeepCompleted, "qemuDomainGetJobStats");
  auto domain = Find(args.dom);
  remote::DomainGetJobStatsRet ret;
  auto add = [&](const char* field, TypedParamValue value) { ret.params.push_back({field, std::move(value)}); };
  if (args.flags & kCompleted) {
    if (auto& done = domain->completed_job) {
      ret.type = done->type;
      for (auto& param : JobParams(*done)) ret.params.push_back(std::move(param));
      if (!(args.flags & kKeepCompleted)) done.reset();
    }
    co_return ret;
  }
  RequireActive(*domain);
  if (auto job = co_await RunningMigration(domain)) {
    ret.type = kJobUnbounded;
    for (auto& param : JobParams(*job)) ret.params.push_back(std::move(param));
  } else if (domain->jobs.async() != AsyncJob::kNone) {
    ret.type = kJobUnbounded;
    add("operation", domain->jobs.async_operation());
    add("time_elapsed", ElapsedMs(domain->jobs));
  }
  co_return ret;
}

Task<> QemuDriver::DomainAbortJob(Call&, remote::DomainAbortJobArgs args) {
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kAbort, "remoteDispatchDomainAbortJob");
  RequireActive(*domain);
  switch (domain->jobs.async()) {
    case AsyncJob::kNone: Invalid("no job is active on the domain");
    case AsyncJob::kMigrationIn: Invalid("cannot abort incoming migration; use virDomainDestroy instead");
    case AsyncJob::kStart: Invalid("cannot abort VM start; use virDomainDestroy instead");
    case AsyncJob::kBackup:
      co_await backup_calls_->Abort(domain);
      break;
    case AsyncJob::kMigrationOut:
      if (domain->migration) domain->migration->abort = true;
      domain->guest->changed.Pulse();
      [[fallthrough]];
    default: co_await guests_->MonitorOf(domain).Execute("migrate_cancel");
  }
}

}  // namespace bv::qemu
