#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/wait.h"
#include "qemu/job.h"
#include "qemu/monitor.h"
#include "qemu/port_allocator.h"

namespace bv::rpc {
class ClientSession;
}

namespace bv::qemu {

class Domain;
struct CompletedJob;

// How far a migration has come, with the names of status files. Those of the source and of the destination.
enum class MigrationPhase {
  kNone, kPerform2, kBegin3, kPerform3, kPerform3Done, kConfirm3Cancelled, kConfirm3, kPrepare, kFinish2, kFinish3,
  kPostcopyFailed, kBeginResume, kPerformResume, kConfirmResume, kPrepareResume, kFinishResume,
};
std::string_view PhaseName(MigrationPhase phase);
std::optional<MigrationPhase> ParsePhase(std::string_view name);

// A port that is given back with this.
class LeasedPort {
 public:
  LeasedPort() = default;
  explicit LeasedPort(PortAllocator& ports) : ports_(&ports), port_(ports.Acquire()) {}
  LeasedPort(LeasedPort&& other) noexcept : ports_(std::exchange(other.ports_, nullptr)), port_(other.port_) {}
  LeasedPort& operator=(LeasedPort&& other) noexcept {
    std::swap(ports_, other.ports_);
    std::swap(port_, other.port_);
    return *this;
  }
  ~LeasedPort() {
    if (ports_) ports_->Release(port_);
  }
  unsigned number() const { return port_; }

 private:
  PortAllocator* ports_ = nullptr;
  unsigned port_ = 0;
};

// What a migration is between the calls that it is made of. The domain has it from the first call to the last, and with
// it the job that keeps others away. Belongs to the loop.
struct Migration {
  JobQueue::Turn turn;
  MigrationPhase phase = MigrationPhase::kNone;
  unsigned flags = 0;
  bool incoming = false;
  bool busy = false;      // a call works on it
  std::string name;       // incoming: the domain's where it comes from
  bool new_domain = false;   // incoming: it was not known here before
  bool was_running = false;  // outgoing: when it began
  bool abort = false;        // a client has asked for its end
  std::uint64_t began_ms = 0;    // wall clock, by the source
  std::uint64_t stopped_ms = 0;  // when the processors were stopped
  Json old_parameters;           // QEMU's before it began
  LeasedPort port, disks_port;
  std::vector<MonitorCommand> tls_removal;  // takes the certificates away
  std::vector<std::string> mirrored;  // disks that are being copied, by target
  std::uint64_t disk_total = 0, disk_processed = 0;  // bytes of them, as last seen
  std::unique_ptr<CompletedJob> statistics;
  std::weak_ptr<rpc::ClientSession> client;  // which it ends with
  std::size_t on_close = 0;

  ~Migration();
};
using MigrationPtr = std::shared_ptr<Migration>;

// While a call works on it: the domain's end leaves the rest to the call.
class BusyMigration {
 public:
  explicit BusyMigration(MigrationPtr migration) : migration_(std::move(migration)) { migration_->busy = true; }
  BusyMigration(const BusyMigration&) = delete;
  ~BusyMigration() { migration_->busy = false; }

 private:
  MigrationPtr migration_;
};

// The wall clock in milliseconds, which both hosts have.
inline std::uint64_t WallMs() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace bv::qemu
