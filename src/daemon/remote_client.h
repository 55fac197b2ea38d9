#pragma once

#include <memory>
#include <string>

#include "daemon/driver.h"
#include "rpc/client.h"

namespace bv {

// A connection to the daemon that a URI names, on this host or another: qemu:///system, and over +unix, +tcp, +ssh. It
// is kept alive, authenticated as far as that takes no question, and open. Throws why not: kSystemError (domain kRpc) for one
// that cannot be reached, kOperationUnsupported for a transport that is none of these.
Task<std::shared_ptr<rpc::Client>> OpenRemoteUri(std::string uri, const DriverEnvironment& environment);

}  // namespace bv
