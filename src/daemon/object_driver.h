#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "daemon/driver.h"
#include "daemon/object_events.h"
#include "daemon/pid_file.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv {

// A driver of things that are no guests ("network", "secret"): served at its own URI, "network:///system", and alone with
// its state by a lock, also against the original.
//
// In the state of a live upgrade (upgrade/state.h) it has the member of its name: { "lock": FD, "nextCallback" }, and of each
// client that waits for events: { "events": [ { "id", "event", OBJECT: KEY } ] }.
class ObjectDriver : public Driver {
 public:
  Task<> Stop() override;
  // To be called by the driver's own.
  void Register(Service& service) override;
  bool AcceptsUri(const Uri& uri) const override;
  std::string DefaultUri() const override;
  bool IsHypervisor() const override { return false; }
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void SaveClient(ClientSession& client, Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;
  void RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds& fds) override;

 protected:
  // `name`, a literal, is the URI's scheme too, and what clients are told; `events` are the driver's, if it has any.
  ObjectDriver(const DriverEnvironment& environment, const char* name, ErrorDomain domain, Subscriptions* events = nullptr);

  bool privileged() const { return privileged_; }
  // For Start(): makes the directory and locks it. Blocks. Throws kSystemError where another daemon has it.
  void LockState(const std::string& directory, mode_t mode = 0700);

  // What else of the driver goes to the next image, in the same member of the state.
  virtual Json SaveMore(upgrade::PassedFds& fds) const;
  virtual void RestoreMore(const Json& ours, upgrade::InheritedFds& fds);

 private:
  Task<remote::ConnectGetTypeRet> GetType(Call& call);

  const bool privileged_;
  const char* const name_;
  const ErrorDomain domain_;
  Subscriptions* const events_;
  std::optional<PidFile> lock_;
  Fd inherited_lock_;  // of another image of this process
};

}  // namespace bv
