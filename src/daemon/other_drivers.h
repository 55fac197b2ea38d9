#pragma once

#include <memory>
#include <string>

#include "daemon/driver.h"
#include "rpc/client.h"

namespace bv {

// Where the other daemons of this host and user have their sockets. Said once, before any driver starts.
void SetOtherDrivers(const DriverEnvironment& environment);
const std::string& OtherDriversDir();

// Connects to the daemon of the driver ("network"), which is started as a Companion is, and opens its own URI.
Task<std::shared_ptr<rpc::Client>> OpenDriver(std::string driver);

}  // namespace bv
