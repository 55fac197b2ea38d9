#pragma once

#include <string>

#include "qemu/command_line/build.h"

namespace bv::qemu {

// BuildOptions::secret_value for guests of this daemon: from its own secret driver. Throws kNoSecret
// (domain kSecret); kNoSupport where the daemon has no secrets.
std::string LookUpSecretValue(const SecretLookup& lookup);

}  // namespace bv::qemu
