#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/driver.h"
#include "rpc/client.h"

namespace bv {

// How a URI is reached on this host: the sockets to try, in that order, and what the daemon is asked to open.
struct LocalTarget {
  std::vector<std::string> sockets;
  std::string name;  // empty: whatever the daemon has
};

// "default" is what clients get that name no URI. libvirtd's or virtproxyd's socket comes before those of the
// modular daemons, which answer also when virtproxyd may not be started any more because the host goes down.
// Throws kInvalidArg for what is elsewhere (a server, a transport that is not a Unix socket).
LocalTarget ResolveLocalUri(const std::string& uri, const DriverEnvironment& environment);

// What "default" stands for: LIBVIRT_DEFAULT_URI, libvirt.conf's uri_default, or "default" itself. Blocks.
std::string DefaultUriSetting(const DriverEnvironment& environment);

// Authenticates on a new connection and opens `uri`. The reply of a daemon is waited for 30 seconds.
Task<> OpenUri(std::shared_ptr<rpc::Client> client, std::string uri);

// Connects, authenticates and opens. Throws what the last of the sockets tried had to say.
Task<std::shared_ptr<rpc::Client>> OpenLocalUri(std::string uri, const DriverEnvironment& environment);

}  // namespace bv
