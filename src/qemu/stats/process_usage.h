#pragma once

#include <sys/types.h>

#include <cstdint>

namespace bv::qemu {

// What the kernel says a process or one of its threads has used; zeros for one that is gone.
struct ProcessUsage {
  std::uint64_t user_ns = 0, system_ns = 0;
  int last_cpu = 0;  // where it ran last
  std::uint64_t total_ns() const { return user_ns + system_ns; }
};
// Without a thread: all threads together. A pid of 0 is the caller itself.
ProcessUsage UsageOf(pid_t pid, pid_t thread = 0);

std::uint64_t ResidentKib(pid_t pid);

struct SchedulerWaits {
  std::uint64_t wait_ns = 0;   // slept although it could run, where the kernel keeps that
  std::uint64_t delay_ns = 0;  // on a run queue
};
SchedulerWaits WaitsOf(pid_t pid, pid_t thread);

}  // namespace bv::qemu
