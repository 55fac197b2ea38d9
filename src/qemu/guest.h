#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/command.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/wait.h"
#include "model/cpu.h"
#include "qemu/capabilities.h"
#include "qemu/cgroup.h"
#include "qemu/disk_locks.h"
#include "qemu/domain_state.h"
#include "qemu/monitor.h"
#include "qemu/output_keeper.h"
#include "qemu/taint.h"
#include "rpc/stream.h"

namespace bv::qemu {

class AgentChannel;
enum class MigrationPhase;

// What ended a long job: for DOMAIN_GET_JOB_STATS of the completed one, and the event.
struct CompletedJob {
  int operation = 0;   // virDomainJobOperation
  int type = 3;        // virDomainJobType: completed, failed, cancelled
  std::uint64_t elapsed_ms = 0;
  std::uint64_t downtime_ms = 0;
  std::optional<std::uint64_t> setup_ms;
  Json ram;            // query-migrate's "ram" member, when there was a migration
  Json xbzrle;         // and its "xbzrle-cache"
  std::uint64_t throttle = 0;  // percent
  struct Disks {
    std::uint64_t total = 0, processed = 0, bytes_per_second = 0;
  };
  std::optional<Disks> disks;  // of a migration between hosts, copied or not
  // The same: by the wall clock, and how much more of it there is on the destination, with what lies between.
  std::uint64_t started_ms = 0, stopped_ms = 0, sent_ms = 0;
  std::optional<std::int64_t> delta_ms;
  std::optional<bool> success;
};

// One block job that a client started.
struct BlockJob {
  std::string disk;    // target name
  int type = 0;        // virDomainBlockJobType
  std::string source_path;
  Event ended;
};

// A running QEMU: its process, its monitor and what only exists while it runs. Owned by its Domain.
class Guest {
 public:
  Guest() = default;
  ~Guest();

  pid_t pid = -1;
  Child child;                   // pidfd; also of a process that an earlier daemon started
  std::unique_ptr<Monitor> monitor;
  std::string monitor_path;
  std::string lib_dir;           // /var/lib/libvirt/qemu/domain-ID-NAME
  std::string channel_dir;       // .../channel/target/domain-ID-NAME
  std::string pid_file, status_file, log_file;
  std::array<std::uint8_t, 32> master_key{};
  std::shared_ptr<const QemuCaps> caps;
  Cgroup cgroup;
  DiskLocks::HeldPtr locks = std::make_shared<DiskLocks::Held>();
  std::unique_ptr<OutputKeeper> output;  // while it starts
  OutputKeeper::Mark log_mark;           // where this run's output begins in the log
  bool output_through_logd = false;
  std::set<Taint> taints;

  struct Vcpu {
    unsigned id = 0;
    pid_t tid = 0;
    std::string alias, qom_path;
  };
  std::vector<Vcpu> vcpus;
  std::set<std::string> devices;  // aliases that QEMU knows
  unsigned next_node = 0;         // block node names are numbered: libvirt-N-format
  unsigned next_fdset = 0;

  // What the coming STOP or RESUME is for.
  int pause_reason = paused::kUnknown;
  int run_reason = running::kUnpaused;
  // The next SHUTDOWN is the first half of a reboot.
  bool fake_reboot = false;
  bool being_destroyed = false;   // we sent the signal
  bool starting = false;          // events of the start are the starter's business
  bool ended = false;             // the end has been dealt with
  bool agent_connected = false;
  bool cpu_known = false;         // the definition's <cpu> is what QEMU really gives
  std::unique_ptr<model::CpuDef> original_cpu;  // what it said before
  bool remember_owner = false;    // files' owners are in extended attributes
  bool status_dirty = false, status_writing = false;

  // Set when QEMU is gone (pidfd) and its monitor has been read to the end.
  Event exited;
  std::optional<int> exit_status;
  // Pulsed when QEMU reported anything of the below, or hung up.
  Event changed;
  std::set<std::string> removed_devices, unplug_failures;  // aliases
  std::string unplugging;  // the device whose removal a call waits for
  std::string migration_status;
  bool spice_migrated = false;  // the viewer of its display has gone over
  // A migration that was under way when the last daemon ended, which this one has to deal with.
  bool cut_off_in = false, cut_off_out = false;
  MigrationPhase cut_off_phase{};
  // Running block jobs by QEMU's job id, and the last state of each job.
  std::map<std::string, std::shared_ptr<BlockJob>> block_jobs;
  std::map<std::string, std::string> job_states;

  std::shared_ptr<AgentChannel> agent;
  // Streams of console and channel devices by the device's path; one each.
  std::map<std::string, rpc::StreamPtr> consoles;
  std::vector<unsigned> reserved_ports;
  Clock::time_point started;
};

}  // namespace bv::qemu
