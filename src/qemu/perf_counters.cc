#include "qemu/perf_counters.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wait.h"

namespace bv::qemu {

using model::PerfEvent;

namespace {

struct KernelEvent {
  PerfEvent event;
  std::uint32_t type;
  std::uint64_t config;
};
constexpr KernelEvent kKernelEvents[] = {
    {PerfEvent::kCpuCycles, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {PerfEvent::kInstructions, PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {PerfEvent::kCacheReferences, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    {PerfEvent::kCacheMisses, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {PerfEvent::kBranchInstructions, PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {PerfEvent::kBranchMisses, PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {PerfEvent::kBusCycles, PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
    {PerfEvent::kStalledCyclesFrontend, PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    {PerfEvent::kStalledCyclesBackend, PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    {PerfEvent::kRefCpuCycles, PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
    {PerfEvent::kCpuClock, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
    {PerfEvent::kTaskClock, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    {PerfEvent::kPageFaults, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    {PerfEvent::kContextSwitches, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    {PerfEvent::kCpuMigrations, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    {PerfEvent::kPageFaultsMin, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {PerfEvent::kPageFaultsMaj, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    {PerfEvent::kAlignmentFaults, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS},
    {PerfEvent::kEmulationFaults, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS},
};

std::map<Uuid, PerfCounters>& Guests() {
  static std::map<Uuid, PerfCounters> guests;
  return guests;
}

Fd OpenCounter(PerfEvent event, pid_t process) {
  std::string name(ToString(event));
  for (auto& known : kKernelEvents) {
    if (known.event != event) continue;
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = known.type;
    attributes.config = known.config;
    attributes.inherit = 1;
    attributes.disabled = 1;
    Fd fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, process, -1, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!fd) throw SystemError(ErrorDomain::kPerf, "unable to open host cpu perf event for " + name);
    if (ioctl(fd.get(), PERF_EVENT_IOC_ENABLE) < 0) throw SystemError(ErrorDomain::kPerf, "unable to enable host cpu perf event for " + name);
    return fd;
  }
  throw Error(ErrorDomain::kPerf, ErrorCode::kArgumentUnsupported, "unable to enable host cpu perf event for " + name);
}

}  // namespace

PerfCounters& PerfCounters::Of(const Uuid& guest) { return Guests()[guest]; }

void PerfCounters::Drop(const Uuid& guest) { Guests().erase(guest); }

Task<> PerfCounters::Enable(Uuid guest, PerfEvent event, pid_t process) {
  if (Of(guest).Counts(event)) co_return;
  auto open = [event, process] { return OpenCounter(event, process); };
  Fd fd = co_await Offload(open);
  Of(guest).counters_.insert_or_assign(event, std::move(fd));
}

std::optional<std::uint64_t> PerfCounters::Read(PerfEvent event) const {
  auto found = counters_.find(event);
  std::uint64_t value = 0;
  if (found == counters_.end() || read(found->second.get(), &value, sizeof value) != sizeof value) return std::nullopt;
  return value;
}

Task<> EnablePerfEvents(Uuid guest, model::Perf wanted, pid_t process) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == model::YesNo::kYes) co_await PerfCounters::Enable(guest, static_cast<PerfEvent>(i), process);
  }
}

}  // namespace bv::qemu
