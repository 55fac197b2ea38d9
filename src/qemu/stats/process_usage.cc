#include "qemu/stats/process_usage.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "host/kernel_files.h"

namespace bv::qemu {

namespace {

std::string ReadProc(pid_t pid, pid_t thread, const char* file) {
  std::string path = pid == 0 ? "/proc/self" : fmt::format("/proc/{}", pid);
  if (thread > 0) path += fmt::format("/task/{}", thread);
  return host::KernelFiles().Read(path + "/" + file).value_or("");
}

// The fields of a stat file from the third on; the second, in parentheses, may contain anything.
std::vector<std::uint64_t> StatFields(const std::string& text) {
  std::vector<std::uint64_t> fields;
  std::size_t at = text.rfind(") ");
  if (at == std::string::npos) return fields;
  const char* next = text.c_str() + at + 3;  // behind the state's letter
  while (*next == ' ') {
    char* end;
    fields.push_back(static_cast<std::uint64_t>(std::strtoll(next + 1, &end, 10)));
    if (end == next + 1) break;
    next = end;
  }
  return fields;
}

}  // namespace

ProcessUsage UsageOf(pid_t pid, pid_t thread) {
  // Places in the list: proc(5) counts from 1, and the list begins with its field 4.
  constexpr std::size_t kUserTime = 14 - 4, kSystemTime = 15 - 4, kProcessor = 39 - 4;
  const auto fields = StatFields(ReadProc(pid, thread, "stat"));
  if (fields.size() <= kProcessor) return {};
  const std::uint64_t tick = 1000000000u / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return {fields[kUserTime] * tick, fields[kSystemTime] * tick, static_cast<int>(fields[kProcessor])};
}

std::uint64_t ResidentKib(pid_t pid) {
  unsigned long long size, resident;
  if (std::sscanf(ReadProc(pid, 0, "statm").c_str(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE) / 1024);
}

SchedulerWaits WaitsOf(pid_t pid, pid_t thread) {
  SchedulerWaits waits;
  unsigned long long ran, delayed;
  if (std::sscanf(ReadProc(pid, thread, "schedstat").c_str(), "%llu %llu", &ran, &delayed) == 2) waits.delay_ns = delayed;
  const std::string sched = ReadProc(pid, thread, "sched");
  for (const char* key : {"\nse.statistics.wait_sum", "\nwait_sum"}) {
    std::size_t at = sched.find(key);
    if (at == std::string::npos) continue;
    // Milliseconds with a fraction.
    at = sched.find(':', at);
    if (at != std::string::npos) waits.wait_ns = static_cast<std::uint64_t>(std::strtod(sched.c_str() + at + 1, nullptr) * 1e6);
    break;
  }
  return waits;
}

}  // namespace bv::qemu
