#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/task.h"
#include "model/domain/domain.h"
#include "qemu/config.h"
#include "qemu/domain_events.h"
#include "qemu/domain_list.h"
#include "qemu/guest.h"
#include "qemu/ownership.h"
#include "qemu/port_allocator.h"
#include "qemu/taken_over.h"

namespace bv::qemu {

struct TapDevice;

using DomainPtr = std::shared_ptr<Domain>;

// How a guest is to be started.
struct StartOptions {
  bool paused = false;               // leave it stopped, as the user asked
  // Memory comes in through this descriptor (a save image) or from this address.
  int incoming_fd = -1;
  std::string incoming_uri;
  // What the guest's state will say, and the event's detail.
  int running_reason = running::kBooted;
  int paused_reason = paused::kUser;
  int started_detail = started::kBooted;
  // Loads this internal snapshot.
  std::string load_snapshot;
  // Do not let it run or tell anybody at the end: the caller goes on.
  bool hold = false;
};

// Starts, stops and re-attaches to QEMU processes, and turns what QEMU reports into states and
// events. All coroutines may outlive the client that caused them. Callers hold a modifying turn of
// the domain's jobs, and look afterwards whether the guest is still there: it may end at any time.
class Guests {
 public:
  Guests(std::shared_ptr<const QemuConfig> config, DomainList* domains, DomainEvents* events, const DiskLocks* locks);
  ~Guests();

  // Runs `live` as the guest of `domain`. On failure everything is as it was, and what went wrong
  // is thrown: kInternalError with QEMU's own words when QEMU ended.
  Task<> Start(DomainPtr domain, std::unique_ptr<model::DomainDef> live, std::shared_ptr<const QemuCaps> caps,
               StartOptions options);
  // Lets a guest run that was started with `hold`, or leaves it paused, and says so.
  Task<> FinishStart(DomainPtr domain, StartOptions options);

  // Ends the process: SIGTERM, and after a while SIGKILL unless `graceful` (kSystemError then).
  // No clean-up: see End().
  Task<> Kill(DomainPtr domain, bool graceful);
  // Ends the guest and clears up after it: the definition, state and events follow. Idempotent.
  Task<> Stop(DomainPtr domain, int shutoff_reason, int stopped_detail);

  // CPUs on and off; the state and the event follow QEMU's own report. A guest that runs holds the locks
  // of its disks, and does not run without them: Resume throws what DiskLocks::Acquire does.
  Task<> Resume(DomainPtr domain, int running_reason);
  Task<> Pause(DomainPtr domain, int paused_reason);

  // The locks go when a guest stops; this waits until they have.
  Task<> ReleaseLocks(DomainPtr domain);
  // Which channels the guest has open: of one that has come with its memory.
  Task<> RefreshChannels(DomainPtr domain);

  // A vCPU in or out; throws kOperationTimeout when the guest does not let go of it.
  Task<> AddVcpu(DomainPtr domain, unsigned id);
  Task<> RemoveVcpu(DomainPtr domain, unsigned id);
  // Asks QEMU for a device's removal, and waits until it is gone: false when that takes longer than `limit`.
  // Throws kOperationFailed when the guest refuses.
  Task<bool> UnplugDevice(DomainPtr domain, std::string alias, Clock::duration limit);

  // Notes what a client did to the guest, once, in its log and status.
  Task<> Taint(DomainPtr domain, qemu::Taint taint);

  // For an image or a lease that a guest gets or loses while it is there, see DiskLocks.
  Task<> LockImage(DomainPtr domain, const model::StorageSource& source);
  Task<> UnlockImage(DomainPtr domain, const model::StorageSource& source);
  Task<> LockLease(DomainPtr domain, const model::Lease& lease);
  Task<> UnlockLease(DomainPtr domain, const model::Lease& lease);

  // Finds the guests that an earlier daemon left running, from their status files. Called once, at
  // start-up, after the definitions have been read.
  Task<> AttachAll(std::function<Task<std::shared_ptr<const QemuCaps>>(const std::string& emulator)> caps);

  // Queues the writing of the status file; several calls in a row write once.
  void SaveStatus(const DomainPtr& domain);
  // The same, and waits until it is written: what a client was told of must be known to the next daemon.
  Task<> StoreStatus(DomainPtr domain);

  // The guest's monitor, for a command of `domain`; throws kOperationInvalid when it does not run.
  Monitor& MonitorOf(const DomainPtr& domain);

  // Called when a transient domain ended and when a guest's end must be remembered on disk.
  std::function<void(const DomainPtr&)> on_removed = [](const DomainPtr&) {};
  std::function<void()> on_idle = [] {};
  // Called when QEMU has removed a device that no call waits for.
  std::function<void(const DomainPtr&, const std::string& alias)> on_device_gone = [](const DomainPtr&, const std::string&) {};
  // Called when QEMU hangs up on us or reports a change of a device, for other rooms of the driver.
  std::function<void(const DomainPtr&, const MonitorEvent&)> on_event = [](const DomainPtr&, const MonitorEvent&) {};

  // Before AttachAll(): what it need not look for.
  void TakeOver(const Uuid& uuid, TakenOver taken) { taken_over_[uuid] = std::move(taken); }

  int next_id() const { return next_id_; }
  void set_next_id(int id) { next_id_ = id; }
  const QemuConfig& config() const { return *config_; }
  PortAllocator& display_ports() { return display_ports_; }
  PortAllocator& migration_ports() { return migration_ports_; }

 private:
  Task<> StartProcess(DomainPtr domain, StartOptions options);
  // guests_host_devices.cc
  // Takes what stays taken until somebody gives it back. A next daemon finds the guest from then on, if only to end it.
  Task<> ClaimHostDevices(DomainPtr domain, std::map<std::string, TapDevice>& taps);
  Task<> Handshake(DomainPtr domain, StartOptions options);
  // guests_threads.cc
  // Of the answer to qom-list of /machine/peripheral: the devices that have an alias.
  static std::set<std::string> Peripherals(const Json& list);
  static void ReadVcpus(Guest& guest, const Json& cpus);
  Task<> PlaceThreads(DomainPtr domain, Json iothreads);
  Task<> PlugVcpus(DomainPtr domain, std::vector<unsigned> ids);
  // Interfaces that may only be up while the guest's CPUs run.
  Task<> RaiseInterfaces(DomainPtr domain);
  Task<> WatchExit(DomainPtr domain);
  Task<> HandleEnd(DomainPtr domain);
  Task<> FakeReboot(DomainPtr domain);
  Task<> CleanUp(DomainPtr domain);
  Task<> WriteStatus(DomainPtr domain);
  // The same before there is a process; throws when it cannot be written.
  Task<> WriteFirstStatus(DomainPtr domain);
  Task<bool> Attach(std::string path, std::function<Task<std::shared_ptr<const QemuCaps>>(const std::string&)> caps);
  void ConnectMonitor(const DomainPtr& domain, Fd socket);

  // guests_output.cc
  struct OutputFds {
    Fd file, log;
  };
  // What QEMU is to write into: by device alias, its own log under "".
  Task<std::map<std::string, OutputFds>> OpenOutput(DomainPtr domain);
  Task<Error> LaunchFailure(DomainPtr domain);
  Task<> AppendToLog(DomainPtr domain, std::string line);
  void ReservePorts(Guest& guest, model::DomainDef& def);

  static DiskLocks::Owner LockOwner(const Domain& domain);

  // monitor_events.cc
  void OnMonitorEvent(const DomainPtr& domain, const MonitorEvent& event);
  void OnStop(const DomainPtr& domain);
  void OnResume(const DomainPtr& domain);
  void OnShutdown(const DomainPtr& domain, const Json& data);
  void OnReset(const DomainPtr& domain, const Json& data);
  void OnRtcChange(const DomainPtr& domain, std::int64_t offset);
  void OnBlockIoError(const DomainPtr& domain, const Json& data);
  void OnWatchdog(const DomainPtr& domain, const Json& data);
  void OnGraphics(const DomainPtr& domain, int phase, const Json& data);
  void OnSerialChange(const DomainPtr& domain, const Json& data);
  void OnTrayMoved(const DomainPtr& domain, const Json& data);

  std::shared_ptr<const QemuConfig> config_;
  DomainList* domains_;
  DomainEvents* events_;
  const DiskLocks* locks_;
  int next_id_ = 1;
  std::map<Uuid, TakenOver> taken_over_;  // until AttachAll() has ended
  PortAllocator display_ports_, websocket_ports_, migration_ports_;
};

}  // namespace bv::qemu
