#pragma once

#include <string>

#include "base/command.h"

namespace bv::qemu {

// Starts a program that outlives this daemon and notes its process for the next one; on a pool thread. kSystemError.
Child LaunchNoted(const Command& command, const std::string& pid_file);

}  // namespace bv::qemu
