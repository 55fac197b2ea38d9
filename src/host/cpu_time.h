#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel_files.h"

namespace bv::host {

// Nanoseconds by the names of NODE_GET_CPU_STATS ("kernel", "user", "idle", "iowait"); `cpu` -1 is the sum
// of all. Throws kInvalidArg for a processor that is not there.
std::vector<std::pair<std::string, std::uint64_t>> CpuTimes(const KernelFiles& files, int cpu);

}  // namespace bv::host
