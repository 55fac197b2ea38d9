#include "host/cpu_time.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>

#include "base/verbatim_error.h"

namespace bv::host {

std::vector<std::pair<std::string, std::uint64_t>> CpuTimes(const KernelFiles& files, int cpu) {
  const std::string text = files.Read("/proc/stat").value_or("");
  const std::string key = cpu < 0 ? "cpu " : fmt::format("cpu{} ", cpu);
  std::size_t at = text.starts_with(key) ? 0 : text.find("\n" + key);
  std::uint64_t user, nice, system, idle, iowait, irq, softirq;
  if (at == std::string::npos ||
      std::sscanf(text.c_str() + text.find(' ', at),
                  "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &user, &nice,
                  &system, &idle, &iowait, &irq, &softirq) != 7) {
    throw VerbatimError(ErrorDomain::kNone, ErrorCode::kInvalidArg, "Invalid cpuNum in virHostCPUGetStatsLinux");
  }
  const std::uint64_t tick = 1000000000u / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return {{"kernel", (system + irq + softirq) * tick},
          {"user", (user + nice) * tick},
          {"idle", idle * tick},
          {"iowait", iowait * tick}};
}

}  // namespace bv::host
