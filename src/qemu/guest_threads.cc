#include "qemu/guest_threads.h"

#include <fmt/core.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "model/domain/domain.h"
#include "qemu/config.h"
#include "qemu/guest_limits.h"

namespace bv::qemu {
namespace {

using model::Scheduler;

std::optional<Bitmap> PinOr(const std::vector<model::ThreadPin>& pins, unsigned id, const std::optional<Bitmap>& otherwise) {
  auto pin = std::ranges::find(pins, id, &model::ThreadPin::id);
  return pin == pins.end() ? otherwise : pin->cpus;
}

model::SchedParam SchedOf(const std::vector<model::ThreadSched>& scheds, unsigned id) {
  for (auto& sched : scheds) {
    if (sched.threads.Test(id)) return sched.param;
  }
  return {};
}

// The nodes that the control group holds memory to. The other modes only say where to look first.
std::string MemoryNodes(const model::DomainDef& def) {
  auto& memory = def.numatune.memory;
  if (!memory || !memory->nodeset) return {};
  if (memory->mode != model::NumaMode::kStrict && memory->mode != model::NumaMode::kRestrictive) return {};
  return memory->nodeset->Format();
}

cpu_set_t CpuSet(const Bitmap& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (auto cpu = cpus.Next(); cpu; cpu = cpus.Next(*cpu + 1)) {
    if (*cpu < CPU_SETSIZE) CPU_SET(*cpu, &set);
  }
  return set;
}

int SetScheduler(pid_t tid, const model::SchedParam& param) {
  sched_param priority{};
  bool realtime = param.scheduler == Scheduler::kFifo || param.scheduler == Scheduler::kRr;
  if (realtime) priority.sched_priority = static_cast<int>(param.priority);
  int policy = param.scheduler == Scheduler::kBatch  ? SCHED_BATCH
               : param.scheduler == Scheduler::kIdle ? SCHED_IDLE
               : param.scheduler == Scheduler::kFifo ? SCHED_FIFO
                                                     : SCHED_RR;
  return sched_setscheduler(tid, policy, &priority);
}

// A memory policy as the kernel takes it.
struct MemoryPolicy {
  int mode = MPOL_DEFAULT;
  unsigned long nodes[16] = {};
};

MemoryPolicy PolicyOf(const model::DomainDef& def, bool has_cpuset) {
  MemoryPolicy policy;
  auto& memory = def.numatune.memory;
  if (!memory || !memory->nodeset) return policy;
  switch (memory->mode) {
    case model::NumaMode::kStrict:
      // A group can be changed later, a policy of the process never.
      if (!has_cpuset) policy.mode = MPOL_BIND;
      break;
    case model::NumaMode::kPreferred:
      policy.mode = MPOL_PREFERRED;
      break;
    case model::NumaMode::kInterleave:
      policy.mode = MPOL_INTERLEAVE;
      break;
    default:
      break;
  }
  constexpr std::size_t kBits = sizeof(unsigned long) * 8;
  for (auto node = memory->nodeset->Next(); node && *node < kBits * std::size(policy.nodes);
       node = memory->nodeset->Next(*node + 1))
    policy.nodes[*node / kBits] |= 1ul << *node % kBits;
  return policy;
}

}  // namespace

ThreadPlace EmulatorPlace(const model::DomainDef& def) {
  auto& tune = def.cputune;
  return {.group = "emulator",
          .cpus = tune.emulator_pin ? tune.emulator_pin : def.vcpu.cpuset,
          .memory_nodes = MemoryNodes(def),
          .period = tune.emulator_period,
          .quota = tune.emulator_quota,
          .sched = tune.emulator_sched.value_or(model::SchedParam())};
}

ThreadPlace VcpuPlace(const model::DomainDef& def, unsigned vcpu) {
  auto& tune = def.cputune;
  return {.group = fmt::format("vcpu{}", vcpu),
          .cpus = PinOr(tune.vcpu_pins, vcpu, def.vcpu.cpuset),
          .memory_nodes = MemoryNodes(def),
          .period = tune.period,
          .quota = tune.quota,
          .sched = SchedOf(tune.vcpu_scheds, vcpu),
          .widen = tune.emulator_pin.has_value()};
}

ThreadPlace IothreadPlace(const model::DomainDef& def, unsigned id) {
  auto& tune = def.cputune;
  return {.group = fmt::format("iothread{}", id),
          .cpus = PinOr(tune.iothread_pins, id, def.vcpu.cpuset),
          .memory_nodes = MemoryNodes(def),
          .period = tune.iothread_period,
          .quota = tune.iothread_quota,
          .sched = SchedOf(tune.iothread_scheds, id),
          .widen = tune.emulator_pin.has_value()};
}

void MakePlace(const Cgroup& cgroup, const ThreadPlace& place) {
  if (cgroup.unified()) return;
  cgroup.MakeThreadGroup(place.group);
  if (place.cpus) cgroup.Write("cpuset", "cpuset.cpus", place.cpus->Format(), place.group);
  if (!place.memory_nodes.empty()) cgroup.Write("cpuset", "cpuset.mems", place.memory_nodes, place.group);
  if (place.period) cgroup.Write("cpu", "cpu.cfs_period_us", std::to_string(place.period), place.group);
  if (place.quota) cgroup.Write("cpu", "cpu.cfs_quota_us", std::to_string(place.quota), place.group);
}

void MoveToPlace(const Cgroup& cgroup, const ThreadPlace& place, pid_t tid) { cgroup.MoveThread(place.group, tid); }

void PinThread(pid_t tid, const Bitmap& cpus) {
  auto set = CpuSet(cpus);
  if (sched_setaffinity(tid, sizeof set, &set) != 0)
    throw SystemError(ErrorDomain::kNone, fmt::format("cannot set CPU affinity on process {}", tid));
}

void SetThread(const ThreadPlace& place, pid_t tid) {
  if (place.cpus) {
    PinThread(tid, *place.cpus);
  } else if (place.widen) {
    // The kernel takes of these what the control group allows.
    Bitmap all;
    all.SetRange(0, CPU_SETSIZE - 1);
    PinThread(tid, all);
  }
  if (place.sched.scheduler != Scheduler::kNone && SetScheduler(tid, place.sched) != 0)
    throw SystemError(ErrorDomain::kNone, fmt::format("Cannot set scheduler parameters for pid {}", tid));
}

void BeginAtPlace(const model::DomainDef& def, const QemuConfig& config, Command* command) {
  auto place = EmulatorPlace(def);
  auto& wanted = config.cgroup_controllers;
  bool has_cpuset = config.privileged && !command->cgroup_tasks.empty() &&
                    (wanted.empty() || std::ranges::find(wanted, "cpuset") != wanted.end());
  auto policy = PolicyOf(def, has_cpuset);
  auto limit = LockedMemoryLimit(def);
  std::optional<cpu_set_t> cpus;
  if (place.cpus) cpus = CpuSet(*place.cpus);
  command->in_child = [before = std::move(command->in_child), cpus, policy, limit, sched = place.sched]() -> int {
    if (limit) {
      rlimit bytes{*limit, *limit};
      setrlimit(RLIMIT_MEMLOCK, &bytes);
    }
    if (cpus) sched_setaffinity(0, sizeof *cpus, &*cpus);
    if (sched.scheduler != Scheduler::kNone) SetScheduler(0, sched);
    if (policy.mode != MPOL_DEFAULT && syscall(SYS_set_mempolicy, policy.mode, policy.nodes, sizeof policy.nodes * 8) != 0)
      return errno;
    return before ? before() : 0;
  };
}

void CheckProcess(const model::DomainDef& def, pid_t pid) {
  try {
    LimitLockedMemory(def, pid);
  } catch (const Error& cause) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format("Process exited prior to exec: libvirt:  error : {}", cause.message));
  }
  SetThread(EmulatorPlace(def), pid);
}

}  // namespace bv::qemu
