#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"

namespace bv::qemu {

// What an earlier process image leaves of a running guest besides its status file (qemu/upgrade.cc).
struct TakenOver {
  Fd process;  // a pidfd
  Fd monitor;  // -1: to be connected anew
  std::string monitor_input;
  std::uint64_t last_command = 0;
  int pause_reason = 0, run_reason = 0;
};

}  // namespace bv::qemu
