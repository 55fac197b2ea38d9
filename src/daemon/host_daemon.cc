#include "daemon/host_daemon.h"

#include <signal.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "daemon/access.h"
#include "daemon/other_drivers.h"
#include "protocol/lock_protocol.h"
#include "protocol/log_protocol.h"
#include "protocol/lxc_protocol.h"
#include "protocol/qemu_protocol.h"

namespace bv {

namespace {

constexpr char kLog[] = "daemon";
// What an orderly end may take before the daemon goes anyway; guests do not need it.
constexpr std::chrono::seconds kShutdownLimit{10};
constexpr std::chrono::milliseconds kFlushLimit{500};

}  // namespace

HostDaemon::HostDaemon(const Personality& personality, const Options& options, const DaemonConfig& config,
                       const DaemonPaths& paths, DriverEnvironment environment, std::string default_log_outputs)
    : personality_(personality),
      options_(options),
      config_(config),
      paths_(paths),
      environment_(std::move(environment)),
      connections_(drivers_, environment_.privileged),
      sasl_(config_),
      admin_(servers_, admin_hooks_),
      idle_timer_([this] {
        if (Busy()) {
          RestartIdleTimer();
        } else {
          LogInfo(kLog, "idle for {} seconds: ending", idle_timeout_.count());
          BeginShutdown();
        }
      }),
      idle_timeout_(options.timeout),
      configured_log_filters_(GetLogFilters()),
      configured_log_outputs_(GetLogOutputs()) {
  admin_hooks_.default_log_outputs = std::move(default_log_outputs);
  admin_hooks_.set_timeout = [this](std::uint32_t seconds) {
    idle_timeout_ = std::chrono::seconds(seconds);
    idle_timer_.Stop();
    RestartIdleTimer();
  };
  environment_.config = &config_;
  environment_.on_idle = [this] { RestartIdleTimer(); };

  SetOtherDrivers(environment_);
  personality_.add_drivers(drivers_, environment_);
  AddProgram();
  for (const auto& driver : drivers_) {
    main_service_.set_owner(driver.get());
    driver->Register(main_service_);
  }
  if (personality_.ServesRemote()) {
    connections_.Register(main_service_);
    sasl_.Register(main_service_);
    const auto& access = config_.access_drivers;
    if (access && std::ranges::count(*access, "polkit")) EnableAccessControl(main_service_);
  }
  admin_.Register(admin_service_);

  auto on_change = [this] {
    if (!Busy()) RestartIdleTimer();
  };
  servers_.push_back(std::make_unique<Server>(std::string(personality_.name), config_.main, main_service_, on_change));
  servers_.push_back(std::make_unique<Server>("admin", config_.admin, admin_service_, on_change));

  // In the form of a signal the loop can take; a second SIGTERM changes nothing.
  for (int number : {SIGTERM, SIGINT, SIGQUIT}) {
    signals_.push_back(std::make_unique<SignalWatch>(number, [this] { BeginShutdown(); }));
  }
  signals_.push_back(std::make_unique<SignalWatch>(SIGHUP, [this] { RequestReload(); }));
  signals_.push_back(std::make_unique<SignalWatch>(SIGUSR1, [this] { RequestUpgrade(); }));
  signal(SIGPIPE, SIG_IGN);
}

HostDaemon::~HostDaemon() = default;

// A program is served even where no driver has a handler: its calls then answer that they are not
// supported, as a libvirt without that driver does.
void HostDaemon::AddProgram() {
  if (personality_.kind == ServerKind::kLog) {
    main_service_.AddProgram(log_protocol::kProgram);
  } else if (personality_.kind == ServerKind::kLock) {
    main_service_.AddProgram(lock_protocol::kProgram);
  } else {
    main_service_.AddProgram(remote::kProgram);
    main_service_.AddProgram(qemu_protocol::kProgram);
    main_service_.AddProgram(lxc_protocol::kProgram);
  }
}

int HostDaemon::Run() {
  Spawn(Serve(), "start");
  Loop::Current().Run();
  for (const auto& server : servers_) server->RemoveListeners();
  return exit_status_;
}

Task<> HostDaemon::Serve() {
  std::optional<ServiceManagerPatience> patience(std::in_place);
  if (!goes_on_) co_await TellHooks("start", "", "start");
  try {
    // What guests need is there before guests are.
    for (bool hypervisor : {false, true}) {
      for (const auto& driver : drivers_) {
        if (driver->IsHypervisor() == hypervisor) co_await driver->Start();
      }
    }
  } catch (const std::exception& e) {
    LogError(kLog, "Driver state initialization failed: {}", e.what());
    if (on_failure_) on_failure_();
    exit_status_ = static_cast<int>(StartResult::kDriver);
    BeginShutdown();
    co_return;
  }
  if (shutting_down_) co_return;
  serving_ = true;
  for (const auto& server : servers_) server->StartAccepting();
  patience.reset();
  if (on_serving_) on_serving_();
  NotifyServiceManager("READY=1");
  RestartIdleTimer();
  if (upgrade_wanted_) RequestUpgrade();
}

void HostDaemon::BeginShutdown() {
  if (shutting_down_) return;
  shutting_down_ = true;
  Spawn(Shutdown(), "shutdown");
}

Task<> HostDaemon::Shutdown() {
  NotifyServiceManager("STOPPING=1");
  ServiceManagerPatience patience;
  idle_timer_.Stop();
  Timer limit([] { Loop::Current().Quit(); });
  limit.Start(kShutdownLimit);
  for (const auto& server : servers_) {
    server->StopAccepting();
    server->CloseClients();
  }
  // What is queued for clients gets a moment to leave.
  for (Deadline deadline = In(kFlushLimit); Clock::now() < deadline;) {
    bool gone = true;
    for (const auto& server : servers_) gone = gone && server->client_count() == 0;
    if (gone) break;
    co_await Sleep(std::chrono::milliseconds(5));
  }
  for (const auto& driver : drivers_) {
    try {
      co_await driver->Stop();
    } catch (const std::exception& e) {
      LogError(kLog, "a driver did not stop well: {}", e.what());
    }
  }
  co_await TellHooks("shutdown", "", "shutdown");
  Loop::Current().Quit();
}

// Of the daemons that have guests and what belongs to them.
Task<> HostDaemon::TellHooks(std::string operation, std::string sub_operation, std::string extra) {
  if (personality_.ServesRemote()) co_await hooks_.Tell("", operation, sub_operation, extra, "");
}

void HostDaemon::RequestReload() {
  if (!serving_) return LogWarn(kLog, "Drivers are not initialized, reload ignored");
  reload_wanted_ = true;
  if (!reloading_) Spawn(Reload(), "reload");
}

Task<> HostDaemon::Reload() {
  reloading_ = true;
  while (std::exchange(reload_wanted_, false)) {
    LogInfo(kLog, "Reloading configuration on SIGHUP");
    co_await TellHooks("reload", "begin", "SIGHUP");
    for (const auto& driver : drivers_) {
      try {
        co_await driver->Reload();
      } catch (const std::exception& e) {
        LogError(kLog, "cannot reload a driver's configuration: {}", e.what());
      }
    }
  }
  reloading_ = false;
}

bool HostDaemon::Busy() const {
  for (const auto& server : servers_) {
    if (server->client_count() > 0) return true;
  }
  for (const auto& driver : drivers_) {
    if (driver->HasActiveObjects()) return true;
  }
  return false;
}

void HostDaemon::RestartIdleTimer() {
  if (serving_ && !shutting_down_ && idle_timeout_.count() > 0) idle_timer_.Start(idle_timeout_);
}

}  // namespace bv
