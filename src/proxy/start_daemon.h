#pragma once

#include <memory>
#include <string>

#include "rpc/client.h"

namespace bv {

// Connects to a daemon's socket. `start` names the daemon when it may be started first: a user's own
// proxy does so where nobody listens, as there may be no service manager for that user; the system's
// leaves it to socket activation. Throws what connecting throws.
Task<std::shared_ptr<rpc::Client>> ConnectToDaemon(std::string path, std::string start);

}  // namespace bv
