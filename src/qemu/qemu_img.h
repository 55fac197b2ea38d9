#pragma once

#include <string>
#include <vector>

#include "base/task.h"

namespace bv::qemu {

// Runs qemu-img. Throws kInternalError with what it says when it fails.
Task<> QemuImg(std::vector<std::string> arguments);

}  // namespace bv::qemu
