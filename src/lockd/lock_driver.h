#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/background_work.h"
#include "daemon/driver.h"
#include "lockd/lockspace.h"
#include "protocol/lock_protocol.h"
#include "rpc/service.h"

namespace bv::lockd {

// What virtlockd does: holds leases for guests, so that no disk is run twice. Each connection registers
// the process that leases are to belong to.
//
// What becomes of leases, as with libvirt's own:
//  - A guest's process connects by itself as it starts, takes its leases, and keeps the connection for
//    as long as it lives. When that connection ends, all leases of the process are freed, whichever
//    connection took them; and if there were any, the process is ended: SIGTERM, and SIGKILL 1.6 s later.
//    Where it has ended before, which is the usual case, there is nobody left to end.
//  - A connection that speaks for another process (libvirtd's, for a guest that is resumed or gets
//    another disk) may come and go; the leases stay.
//  - The leases are locks of the kernel. When virtlockd is killed they are gone, and its next start knows
//    nothing of them: the guests run on unprotected until they are paused and resumed or restarted.
//    SIGUSR1 (daemon/) is the way to replace it while guests run.
// And where libvirt's stands still, because a lease's file is on a server that does not answer:
//  - Calls about that lease fail after 10 s (kOperationTimeout), all others are served. What was asked for is done
//    when the server is back: a lease is given back then, but it is not taken for who has given up or gone.
//  - SIGUSR1 is refused, and the log says which file it is: an upgrade would cut off what waits. SIGTERM is not.
// Calls fail in domain kRpc, what a lease's file does in kLockspace.
class LockDriver : public Driver, public BackgroundWork {
 public:
  explicit LockDriver(const DriverEnvironment& environment);

  Task<> Start() override;
  void Register(Service& service) override;
  bool HasActiveObjects() const override;
  void CheckReady() const override;
  Task<bool> Hold(Deadline deadline) override;
  void Release() override {}
  // lock_upgrade.cc
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void SaveClient(ClientSession& client, Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;
  void RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds& fds) override;
  void CheckState(const Json& state) const override;

 private:
  // For whom a connection speaks.
  struct Owner {
    bool watched = false;     // its end is
    bool restricted = false;
    std::uint32_t id = 0;     // 0 until it is registered
    pid_t pid = 0;            // whose the leases are
    Uuid uuid;
    std::string name;
  };

  Task<> RegisterOwner(Call& call, lock_protocol::RegisterArgs args);
  Task<> Restrict(Call& call, lock_protocol::RestrictArgs args);
  Task<> New(Call& call, lock_protocol::NewArgs args);
  Task<> CreateLockspace(Call& call, lock_protocol::CreateLockSpaceArgs args);
  Task<> CreateResource(Call& call, lock_protocol::CreateResourceArgs args);
  Task<> DeleteResource(Call& call, lock_protocol::DeleteResourceArgs args);
  Task<> AcquireResource(Call& call, lock_protocol::AcquireResourceArgs args);
  Task<> ReleaseResource(Call& call, lock_protocol::ReleaseResourceArgs args);

  // Refuses those who have been restricted; the second also those who have not registered.
  Owner& OwnerOf(Call& call) const;
  Owner& RegisteredOwnerOf(Call& call) const;
  // Deals with the end of the client's connection from now on.
  void Watch(ClientSession& client, Owner& owner);
  Lockspace& SpaceOf(const std::string& path);
  Lockspace& AddSpace(const std::string& path);
  // Its directory too.
  Task<> MakeSpace(Call& call, std::string path);
  // Runs what works with `file`, which goes on when this throws kOperationTimeout.
  struct Patience;
  Task<> WithPatience(std::string file, Task<> work, std::shared_ptr<Patience> patience);
  void OnHangUp(pid_t client, pid_t owner);

  const DriverEnvironment environment_;
  FileWork files_;
  std::map<std::string, Lockspace> spaces_;  // "" is for paths of disks
};

}  // namespace bv::lockd
