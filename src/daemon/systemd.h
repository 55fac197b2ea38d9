#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"

namespace bv {

// Sockets that a service manager opened for us (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), by name:
// the unit's, "libvirtd-ro.socket", or what it listens on where the manager gave no names.
class ActivatedSockets {
 public:
  // Takes them out of the environment, so that no child believes them to be its own. Empty when
  // there are none. Throws kInternalError when the environment speaks of sockets that are not there.
  static ActivatedSockets FromEnvironment();

  bool empty() const { return by_name_.empty(); }
  std::vector<Fd> Take(std::string_view name);
  // Names nobody took.
  std::vector<std::string> Names() const;

 private:
  std::map<std::string, std::vector<Fd>, std::less<>> by_name_;
};

// Tells the service manager ("READY=1", "STOPPING=1"); without one, does nothing. Never blocks.
void NotifyServiceManager(std::string_view state);

// While it lives, keeps the service manager from giving up on a start or a stop that takes its time.
class ServiceManagerPatience {
 public:
  ServiceManagerPatience();

 private:
  void Ask();
  Timer timer_;
};

}  // namespace bv
