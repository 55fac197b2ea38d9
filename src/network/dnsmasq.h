#pragma once

#include "base/task.h"
#include "network/network_files.h"

namespace bv::network {

// The server of names and addresses that a network has, dnsmasq: it goes on when the daemon ends, and is found
// again by its pid file.
class Dnsmasq {
 public:
  explicit Dnsmasq(const NetworkPaths& paths) : paths_(paths) {}

  // Writes its files and starts it, if the network needs one. kInternalError (domain kNone) with what it says.
  Task<> Start(model::NetworkDef def);
  // Ends it and waits for that.
  Task<> Stop(model::NetworkDef def);
  // New hosts and names: the files that it reads again, without a break.
  Task<> ReloadHosts(model::NetworkDef def);
  // Starts it anew; or for the first time, where an older definition needed none.
  Task<> Restart(model::NetworkDef def);
  // Whether it runs.
  Task<bool> Running(model::NetworkDef def);
  // What is left of a network that is undefined.
  Task<> RemoveFiles(model::NetworkDef def);

 private:
  const NetworkPaths& paths_;
};

// Where dnsmasq finds the program that it tells of leases: ours, beside the executable or where it was installed, or
// the original's.
std::string LeasesHelperPath();

}  // namespace bv::network
