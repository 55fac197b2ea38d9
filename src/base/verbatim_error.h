#pragma once

#include <string>

#include "base/error.h"

namespace bv {

// An error whose text is `message` alone, without its code's sentence in front, where libvirt has it so.
Error VerbatimError(ErrorDomain domain, ErrorCode code, std::string message);

// Throws kInvalidArg as libvirt does for flags that a call does not have: "unsupported flags (0x4) in
// function NAME", NAME being libvirt's own function.
void RefuseOtherFlags(unsigned flags, unsigned known, ErrorDomain domain, const char* function);

}  // namespace bv
