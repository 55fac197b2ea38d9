#pragma once

#include <string>

#include "base/fd.h"

namespace bv {

// Connected stream sockets. They block, name servers included: for the pool. Throw kSystemError (domain kRpc) that says
// who could not be reached and why.
Fd DialTcp(const std::string& host, unsigned port);
Fd DialUnix(const std::string& path);

}  // namespace bv
