#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "daemon/personality.h"
#include "upgrade/state.h"

// Executing this process anew, with the state of upgrade/state.h; HostDaemon decides when, and saves and
// restores. What can be wrong with the new image is found before anything depends on it: it is first run
// as `IMAGE ARGUMENTS --check-state FILE`, with which it reads its configuration and a copy of the state
// and prints kStateAccepted; one that does not is never executed. Should it still fail between the exec
// and its first call, by an error or by a signal, or not serve within half a minute, it executes the image
// it came from (WayBack). How it does with the real descriptors the trial cannot tell: it gets none, since
// what is read from them only one process can have.
//
// What clients see: calls that run are answered by the image that took them, and those that were sent later
// by the next one. Who waits meanwhile waits for a second at most; while longer calls run it is tried
// again. Streams have half a minute to end and are then aborted with kOperationAborted (virtproxyd's go on:
// it only passes them on). Connections with encryption of TLS or SASL are closed after what was queued for
// them, since their keys are in our memory, and so are those in the middle of a SASL negotiation.

namespace bv {

inline constexpr char kStateAccepted[] = "busyvirt: state accepted\n";

// The command line, and the file that will be executed: the name we were started by (so that a new file
// under that name is picked up, and a link goes on saying what we are), made absolute.
struct StartedAs {
  std::string path;
  std::vector<std::string> argv;
};
// For main(), before anything changes the directory.
void RememberStart(int argc, char** argv);
const StartedAs& Started();

// Throws kInternalError with the reason when the image cannot go on with what `state_file` says. Whether it
// is libvirt's own virtlogd or virtlockd, which can.
Task<bool> CheckImage(const Personality& personality, std::string state_file);

// Throws kSystemError; does not return otherwise. Signals that the loop takes stay blocked, so that none
// ends us in between: our images know, the original's do not.
void ExecuteAnew(bool original);

// The state that this process left for itself before its exec, if it did: nullopt at any other start.
// What a process that is gone has left is removed.
std::optional<upgrade::SavedDaemon> FindState(const std::string& state_file);

// From an upgrade's beginning to its end: the way back to the image we came from, with all descriptors
// that were inherited. Also takes it by itself on SIGSEGV and the like, and when time is up. Make it before descriptors are
// taken. Does nothing when there is no state or no image in it, or when we came back that way already.
class WayBack {
 public:
  explicit WayBack(const std::optional<upgrade::SavedDaemon>& state);
  ~WayBack();
  WayBack(const WayBack&) = delete;
  WayBack& operator=(const WayBack&) = delete;

  // Does not return when there is a way back.
  void Take();
  // The new image serves: there is no way back from now on.
  void Close();
};

}  // namespace bv
