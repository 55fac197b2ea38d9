#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "base/command.h"
#include "model/domain/vcpu.h"
#include "qemu/cgroup.h"

namespace bv {
struct QemuConfig;
}
namespace bv::model {
struct DomainDef;
}

namespace bv::qemu {

// Where one kind of QEMU's threads runs, and how much: of <vcpu cpuset=>, <cputune> and <numatune>.
struct ThreadPlace {
  std::string group;           // "emulator", "vcpu0", "iothread1"
  std::optional<Bitmap> cpus;  // none: anywhere
  std::string memory_nodes;    // empty: anywhere
  std::uint64_t period = 0;    // microseconds; 0: the kernel's
  std::int64_t quota = 0;
  model::SchedParam sched;
  bool widen = false;          // without CPUs of its own: not those of the thread that made it either

  // Whether it matters to a thread that it is there before it goes on.
  bool Matters() const { return cpus || widen || !memory_nodes.empty() || period || quota || sched.scheduler != model::Scheduler::kNone; }
};

ThreadPlace EmulatorPlace(const model::DomainDef& def);
ThreadPlace VcpuPlace(const model::DomainDef& def, unsigned vcpu);
ThreadPlace IothreadPlace(const model::DomainDef& def, unsigned id);

// Makes and fills the place's group. May block; throws kSystemError for what the kernel refuses.
void MakePlace(const Cgroup& cgroup, const ThreadPlace& place);
// Moves a thread into the group of its place. May block for 10 to 30 ms.
void MoveToPlace(const Cgroup& cgroup, const ThreadPlace& place, pid_t tid);
// Affinity and scheduling policy of a thread. Throws kSystemError.
void SetThread(const ThreadPlace& place, pid_t tid);

// sched_setaffinity with an error of libvirt's.
void PinThread(pid_t tid, const Bitmap& cpus);

// Has a new QEMU begin at its place, with its memory where <numatune> says: what it inherits to all of its threads
// must hold before there are any. What fails in the child is told by CheckProcess().
void BeginAtPlace(const model::DomainDef& def, const QemuConfig& config, Command* command);
// Does the same to the process from outside, and throws for what could not be done.
void CheckProcess(const model::DomainDef& def, pid_t pid);

}  // namespace bv::qemu
