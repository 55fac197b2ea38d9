// What QEMU reports by itself, as states and events of its domain.

#include <signal.h>

#include <string_view>

#include "base/log.h"
#include "qemu/agent.h"
#include "qemu/guests.h"
#include "qemu/migration/state.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_process";

int ResumedDetail(int reason) {
  switch (reason) {
    case running::kMigrated:
    case running::kMigrationCanceled: return resumed::kMigrated;
    case running::kRestored:
    case running::kFromSnapshot: return resumed::kFromSnapshot;
    case running::kPostcopy: return resumed::kPostcopy;
    default: return resumed::kUnpaused;
  }
}

int SuspendedDetail(int reason) {
  switch (reason) {
    case paused::kMigration: return suspended::kMigrated;
    case paused::kIoError: return suspended::kIoError;
    case paused::kWatchdog: return suspended::kWatchdog;
    case paused::kFromSnapshot: return suspended::kFromSnapshot;
    case paused::kPostcopy: return suspended::kPostcopy;
    case paused::kPostcopyFailed: return suspended::kPostcopyFailed;
    case paused::kApiError: return suspended::kApiError;
    default: return suspended::kPaused;
  }
}

std::string Text(const Json& data, const char* key) { return data[key].AsString().value_or(""); }

// The disk that a block event is about: by front end ("qom-path", "device") or by node.
const model::Disk* FindDisk(const model::DomainDef& def, const Json& data) {
  auto id = Text(data, "id");
  auto path = Text(data, "qom-path");
  auto device = Text(data, "device");
  auto node = Text(data, "node-name");
  constexpr std::string_view kPeripheral = "/machine/peripheral/";
  if (path.starts_with(kPeripheral)) path.erase(0, kPeripheral.size());
  path = path.substr(0, path.find('/'));
  if (id.starts_with(kPeripheral)) {
    id.erase(0, kPeripheral.size());
    id = id.substr(0, id.find('/'));
  }
  for (auto& disk : def.disks) {
    auto& alias = disk->info.alias;
    if (!alias.empty() && (alias == path || alias == id || alias == device || "drive-" + alias == device)) return disk.get();
    for (auto* image = &disk->source; image && image->id; image = image->backing.get()) {
      auto prefix = "libvirt-" + std::to_string(image->id) + "-";
      if (!node.empty() && node.starts_with(prefix)) return disk.get();
    }
  }
  return nullptr;
}

}  // namespace

void Guests::OnStop(const DomainPtr& domain) {
  if (domain->state() != State::kRunning) return;
  int reason = std::exchange(domain->guest->pause_reason, static_cast<int>(paused::kUnknown));
  if (reason == paused::kUnknown && domain->jobs.async() == AsyncJob::kMigrationOut) {
    reason = paused::kMigration;
    if (domain->migration) domain->migration->stopped_ms = WallMs();
  }
  domain->SetState(State::kPaused, reason);
  if (locks_->enabled()) Spawn(ReleaseLocks(domain), "release locks");
  events_->SendLifecycle(domain->Ref(), Lifecycle::kSuspended, SuspendedDetail(reason));
  SaveStatus(domain);
}

void Guests::OnResume(const DomainPtr& domain) {
  if (domain->state() == State::kRunning) return;
  int reason = std::exchange(domain->guest->run_reason, static_cast<int>(running::kUnpaused));
  // QEMU goes on by itself when a migration ends early.
  if (domain->jobs.async() == AsyncJob::kMigrationOut && domain->state() == State::kPaused && domain->reason() == paused::kMigration)
    reason = running::kMigrationCanceled;
  domain->SetState(State::kRunning, reason);
  events_->SendLifecycle(domain->Ref(), Lifecycle::kResumed, ResumedDetail(reason));
  SaveStatus(domain);
}

void Guests::OnShutdown(const DomainPtr& domain, const Json& data) {
  auto* guest = domain->guest.get();
  if (domain->state() == State::kShutdown) return;
  domain->SetState(State::kShutdown, shutdown::kUnknown);
  int detail = finished::kFinished;
  if (auto by_guest = data["guest"].AsBool()) detail = *by_guest ? finished::kGuest : finished::kHost;
  bool restart = guest->fake_reboot || domain->def().lifecycle.on_poweroff == model::LifecycleAction::kRestart;
  auto reason = Text(data, "reason");
  bool leaving = reason == "host-signal" || reason == "host-qmp-quit" || reason == "host-ui";
  // The first half of a reboot is nobody's business.
  // Nor is the end of a process that was saved or never got going.
  if ((!restart || leaving) && !guest->ended && !guest->starting) events_->SendLifecycle(domain->Ref(), Lifecycle::kShutdown, detail);
  if (restart && !leaving && !guest->being_destroyed) {
    Spawn(FakeReboot(domain), "reboot");
    return;
  }
  SaveStatus(domain);
  // With -no-shutdown QEMU stays, so that the guest's last screen could be seen; it is told to go.
  if (!leaving) guest->child.Signal(SIGTERM);
}

Task<> Guests::FakeReboot(DomainPtr domain) {
  try {
    auto turn = co_await domain->jobs.Begin(Job::kModify, "qemuProcessFakeReboot");
    if (!domain->guest) co_return;
    domain->guest->fake_reboot = false;
    co_await MonitorOf(domain).Execute("system_reset");
    co_await Resume(domain, running::kBooted);
  } catch (const Error& error) {
    LogError(kSource, "cannot reboot '{}': {}", domain->name(), error.message);
    if (domain->guest) domain->guest->child.Signal(SIGTERM);
  }
}

void Guests::OnReset(const DomainPtr& domain, const Json&) { events_->SendReboot(domain->Ref()); }

void Guests::OnRtcChange(const DomainPtr& domain, std::int64_t offset) {
  // QEMU counts from the date it was started with, which carries the adjustment of that time.
  auto& clock = domain->def().clock;
  if (clock.offset == model::ClockOffset::kVariable) {
    offset += clock.adjustment0.value_or(clock.adjustment.value_or(0));
    domain->MutableDef().clock.adjustment = offset;
    SaveStatus(domain);
  }
  events_->SendRtcChange(domain->Ref(), offset);
}

void Guests::OnBlockIoError(const DomainPtr& domain, const Json& data) {
  enum { kNone, kPause, kReport };
  auto action_name = Text(data, "action");
  int action = action_name == "stop" ? kPause : action_name == "report" ? kReport : kNone;
  std::string path, alias;
  if (auto* disk = FindDisk(domain->def(), data)) {
    path = disk->source.path;
    alias = disk->info.alias;
  }
  auto reason = data["nospace"].AsBool().value_or(false) ? "enospc" : "";
  events_->SendIoError(domain->Ref(), path, alias, action, reason);
  if (action == kPause && domain->state() == State::kRunning) {
    domain->guest->pause_reason = paused::kIoError;
    OnStop(domain);
  }
}

void Guests::OnWatchdog(const DomainPtr& domain, const Json& data) {
  // virDomainEventWatchdogAction's order.
  constexpr std::string_view kActions[] = {"none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"};
  auto name = Text(data, "action");
  int action = 0;
  for (int i = 0; i < static_cast<int>(std::size(kActions)); ++i) {
    if (name == kActions[i]) action = i;
  }
  events_->SendWatchdog(domain->Ref(), action);
  if (name == "pause" && domain->state() == State::kRunning) {
    domain->guest->pause_reason = paused::kWatchdog;
    OnStop(domain);
  }
}

void Guests::OnGraphics(const DomainPtr& domain, int phase, const Json& data) {
  remote::DomainEventGraphicsMsg msg;
  msg.dom = domain->Ref();
  msg.phase = phase;
  auto fill = [](remote::DomainEventGraphicsAddress& address, const Json& side) {
    // virDomainEventGraphicsAddressType
    auto family = Text(side, "family");
    address.family = family == "ipv6" ? 1 : family == "unix" ? 2 : 0;
    address.node = Text(side, side["host"] ? "host" : "node");
    address.service = Text(side, side["service"] ? "service" : "port");
  };
  fill(msg.local, data["server"]);
  fill(msg.remote, data["client"]);
  msg.authScheme = Text(data["server"], "auth");
  for (auto* key : {"x509_dname", "sasl_username"}) {
    if (auto name = Text(data["client"], key); !name.empty()) msg.subject.push_back({key == std::string_view("x509_dname") ? "x509dname" : "saslUsername", name});
  }
  events_->SendGraphics(std::move(msg));
}

void Guests::OnSerialChange(const DomainPtr& domain, const Json& data) {
  auto alias = Text(data, "id");
  bool open = data["open"].AsBool().value_or(false);
  for (auto& channel : domain->MutableDef().channels) {
    if (channel->info.alias != alias) continue;
    channel->state = open ? model::ChannelState::kConnected : model::ChannelState::kDisconnected;
    if (channel->target_name == "org.qemu.guest_agent.0") {
      domain->guest->agent_connected = open;
      if (domain->guest->agent) domain->guest->agent->SetOpen(open);
      constexpr int kConnected = 1, kDisconnected = 2, kChannel = 2;
      events_->SendAgentLifecycle(domain->Ref(), open ? kConnected : kDisconnected, kChannel);
    }
    SaveStatus(domain);
  }
}

void Guests::OnTrayMoved(const DomainPtr& domain, const Json& data) {
  auto* disk = const_cast<model::Disk*>(FindDisk(domain->MutableDef(), data));
  if (!disk) return;
  bool open = data["tray-open"].AsBool().value_or(false);
  disk->tray = open ? model::DiskTray::kOpen : model::DiskTray::kClosed;
  constexpr int kOpened = 0, kClosed = 1;
  events_->SendTrayChange(domain->Ref(), disk->info.alias, open ? kOpened : kClosed);
  SaveStatus(domain);
  domain->guest->changed.Pulse();
}

void Guests::OnMonitorEvent(const DomainPtr& domain, const MonitorEvent& event) {
  if (!domain->guest || !domain->active()) return;
  auto& data = event.data;
  auto& name = event.name;
  auto dom = domain->Ref();
  auto& guest = *domain->guest;
  if (events_->WantsMonitorEvents())
    events_->SendMonitorEvent(dom, name, event.seconds, static_cast<std::uint32_t>(event.microseconds), data ? data.Dump() : "");
  if (name == "STOP") {
    OnStop(domain);
  } else if (name == "RESUME") {
    OnResume(domain);
  } else if (name == "SHUTDOWN") {
    OnShutdown(domain, data);
  } else if (name == "RESET") {
    OnReset(domain, data);
  } else if (name == "RTC_CHANGE") {
    OnRtcChange(domain, data["offset"].AsInt().value_or(0));
  } else if (name == "WATCHDOG") {
    OnWatchdog(domain, data);
  } else if (name == "BLOCK_IO_ERROR") {
    OnBlockIoError(domain, data);
  } else if (name == "VNC_CONNECTED" || name == "SPICE_CONNECTED") {
    OnGraphics(domain, 0, data);
  } else if (name == "VNC_INITIALIZED" || name == "SPICE_INITIALIZED") {
    OnGraphics(domain, 1, data);
  } else if (name == "VNC_DISCONNECTED" || name == "SPICE_DISCONNECTED") {
    OnGraphics(domain, 2, data);
  } else if (name == "DEVICE_TRAY_MOVED") {
    OnTrayMoved(domain, data);
  } else if (name == "WAKEUP") {
    events_->SendPmwakeup(dom);
    if (domain->state() == State::kPmSuspended) {
      domain->SetState(State::kRunning, running::kWakeup);
      events_->SendLifecycle(dom, Lifecycle::kStarted, started::kWakeup);
      SaveStatus(domain);
    }
  } else if (name == "SUSPEND") {
    if (domain->state() == State::kRunning) {
      domain->SetState(State::kPmSuspended, 0);
      events_->SendLifecycle(dom, Lifecycle::kPmSuspended, 0);
      SaveStatus(domain);
    }
    events_->SendPmsuspend(dom);
  } else if (name == "SUSPEND_DISK") {
    if (domain->state() == State::kRunning) {
      domain->SetState(State::kPmSuspended, 0);
      events_->SendLifecycle(dom, Lifecycle::kPmSuspended, 1);
      SaveStatus(domain);
    }
    events_->SendPmsuspendDisk(dom);
  } else if (name == "BALLOON_CHANGE") {
    auto kib = data["actual"].AsUint().value_or(0) / 1024;
    domain->MutableDef().memory.current = kib;
    events_->SendBalloonChange(dom, kib);
    SaveStatus(domain);
  } else if (name == "GUEST_PANICKED") {
    domain->SetState(State::kCrashed, crashed::kPanicked);
    events_->SendLifecycle(dom, Lifecycle::kCrashed, 0);
    SaveStatus(domain);
    guest.child.Signal(SIGTERM);
  } else if (name == "VSERPORT_CHANGE") {
    OnSerialChange(domain, data);
  } else if (name == "DEVICE_DELETED") {
    if (auto alias = Text(data, "device"); !alias.empty()) {
      guest.devices.erase(alias);
      if (guest.unplugging == alias) {
        guest.removed_devices.insert(alias);
      } else {
        on_device_gone(domain, alias);
      }
    }
  } else if (name == "DEVICE_UNPLUG_GUEST_ERROR" || name == "MEM_UNPLUG_ERROR") {
    guest.unplug_failures.insert(Text(data, "device"));
    events_->SendDeviceRemovalFailed(dom, Text(data, "device"));
  } else if (name == "MIGRATION") {
    guest.migration_status = Text(data, "status");
  } else if (name == "SPICE_MIGRATE_COMPLETED") {
    guest.spice_migrated = true;
  } else if (name == "MIGRATION_PASS") {
    events_->SendMigrationIteration(dom, static_cast<int>(data["pass"].AsInt().value_or(0)));
  } else if (name == "JOB_STATUS_CHANGE") {
    guest.job_states[Text(data, "id")] = Text(data, "status");
  } else if (name == "BLOCK_WRITE_THRESHOLD") {
    if (auto* disk = FindDisk(domain->def(), data)) {
      auto dev = disk->dst;
      auto path = disk->source.path.empty() ? std::nullopt : std::optional(disk->source.path);
      events_->SendBlockThreshold(dom, dev, path, data["write-threshold"].AsUint().value_or(0),
                                  data["amount-exceeded"].AsUint().value_or(0));
    }
  } else if (name == "MEMORY_DEVICE_SIZE_CHANGE") {
    events_->SendMemoryDeviceSizeChange(dom, Text(data, "id"), data["size"].AsUint().value_or(0) / 1024);
  } else if (name == "MEMORY_FAILURE") {
    constexpr std::string_view kActions[] = {"ignore", "inject", "fatal", "reset"};
    int action = 0;
    for (int i = 0; i < 4; ++i) {
      if (Text(data, "action") == kActions[i]) action = i;
    }
    auto flags = data["flags"];
    std::uint32_t bits = (flags["action-required"].AsBool().value_or(false) ? 1u : 0u) |
                         (flags["recursive"].AsBool().value_or(false) ? 2u : 0u);
    events_->SendMemoryFailure(dom, Text(data, "recipient") == "guest" ? 1 : 0, action, bits);
  }
  on_event(domain, event);
  if (domain->guest) domain->guest->changed.Pulse();
}

}  // namespace bv::qemu
