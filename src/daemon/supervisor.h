#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/signal.h"
#include "daemon/personality.h"

namespace bv {

struct SuperviseOptions {
  std::chrono::seconds idle{120};  // how long a daemon stays that nobody needs, as the units have it; 0: for ever
  bool tcp = false, tls = false;   // whether libvirtd or virtproxyd is reached by the network too
};

// What systemd does for the daemons, where there is none: opens their sockets, starts each on its
// first connection by the activation protocol, lets idle ones end, restarts those that crash after a
// pause that grows (guests may be waiting for them), and stops them in order. Fit to be process 1: it reaps whatever is orphaned.
class Supervisor {
 public:
  // Opens the sockets. Errors are those of ListenUnix() and ListenTcp(), and kOperationInvalid when somebody
  // listens there already.
  Supervisor(std::span<const Personality* const> daemons, const SuperviseOptions& options);
  ~Supervisor();

  // Returns the exit status after SIGTERM or SIGINT has ended the daemons.
  int Run();

 private:
  struct Unit;

  void OpenSockets(Unit& unit);
  // The name of the socket that was opened last.
  static void AddName(Unit& unit, std::string_view suffix);
  void Start(Unit& unit);
  void Reap();
  void Ended(Unit& unit, int wait_status);
  void WatchSockets(Unit& unit, bool watch);
  void Signal(int number);
  void Stop();
  // The next to be told to end: virtlogd and virtlockd after all others, which need them.
  void StopNext();

  DriverEnvironment environment_;
  const SuperviseOptions options_;
  std::list<Unit> units_;
  std::vector<std::unique_ptr<SignalWatch>> signals_;
  Timer kill_timer_;
  bool stopping_ = false;
};

}  // namespace bv
