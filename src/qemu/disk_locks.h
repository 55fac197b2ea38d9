#pragma once

#include <sys/types.h>
#include <sys/un.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/task.h"
#include "base/uuid.h"
#include "base/wait.h"
#include "daemon/companion.h"
#include "qemu/lock_resources.h"

namespace bv {
struct QemuConfig;
}

namespace bv::qemu {

// lock_manager of qemu.conf: what a running guest uses is locked through virtlockd, so that no second
// guest, here or on another host, gets it. The locks belong to the QEMU process: it inherits a connection
// to virtlockd that dies with it, and with that its locks end. The daemon itself comes and goes.
// Without a lock manager nothing below does anything. All errors of virtlockd are passed on.
class DiskLocks {
 public:
  // Reads `config_dir`/qemu-lockd.conf. Throws what ReadLockdConfig() does, and kSystemError for a
  // lock manager that is not there.
  DiskLocks(const QemuConfig& config, const std::string& config_dir);

  bool enabled() const { return enabled_; }
  // Makes the configured lockspaces known to virtlockd. Once, at the daemon's start.
  Task<> Start();

  struct Owner {
    Uuid uuid;
    std::string name;
    unsigned id = 0;
    pid_t pid = 0;
  };

  // The connection that a QEMU inherits. virtlockd knows a client by the process that connected, so the
  // child connects it, and who started the child says over the same connection who that is.
  class Handle {
   public:
    Handle(Fd socket, const std::string& path);
    // For Command::in_child; the descriptor keeps its number there.
    int ConnectInChild() const;
    int fd() const { return socket_.get(); }

   private:
    friend class DiskLocks;
    Fd socket_;
    sockaddr_un address_{};
  };

  // Before a guest starts: checks that `def` can be locked and virtlockd reached, with the errors of the
  // original, whose child process finds this out. Null without a lock manager.
  Task<std::unique_ptr<Handle>> Prepare(const model::DomainDef& def) const;
  // Registers the started process; nothing else can be asked for over its connection.
  Task<> Register(std::unique_ptr<Handle> handle, Owner owner) const;

  // What one guest holds now. Shared with the calls that change it, which follow one another.
  struct Held {
    AsyncMutex turn;
    std::vector<LockResource> locks;
    bool all = false;  // of its definition: it runs
  };
  using HeldPtr = std::shared_ptr<Held>;

  // Locks everything before the guest runs, or nothing and throws: kResourceBusy (domain kLockspace) when
  // somebody else has one. Nothing happens when it is held already.
  Task<> Acquire(HeldPtr held, const model::DomainDef& def, Owner owner) const;
  // Gives all back when it does not run any more. What fails is logged.
  Task<> Release(HeldPtr held, Owner owner) const;
  // One image of a disk, or one <lease>, that a guest gets or loses while it is there. A paused guest holds
  // nothing, and is only refused what it could not have now. Releasing an image logs what fails; of a lease,
  // which somebody handed out, it is thrown.
  Task<> AcquireImage(HeldPtr held, const model::StorageSource& source, Owner owner) const;
  Task<> ReleaseImage(HeldPtr held, const model::StorageSource& source, Owner owner) const;
  Task<> AcquireLease(HeldPtr held, const model::Lease& lease, Owner owner) const;
  Task<> ReleaseLease(HeldPtr held, const model::Lease& lease, Owner owner) const;
  // After a restart of the daemon: what the guest holds by its definition if it `runs`.
  Task<> Adopt(HeldPtr held, const model::DomainDef& def, Owner owner, bool runs) const;

 private:
  Task<std::shared_ptr<rpc::Client>> ConnectAs(Owner owner) const;
  Task<> AcquireAll(std::vector<LockResource> locks, Owner owner) const;
  Task<> ReleaseAll(std::vector<LockResource> locks, Owner owner, bool quietly) const;
  // What failed last.
  Task<std::optional<Error>> TryRelease(std::vector<LockResource> locks, Owner owner) const;
  Task<> AcquireMore(HeldPtr held, LockTargets targets, Owner owner) const;
  Task<std::optional<Error>> ReleaseSome(HeldPtr held, LockTargets targets, Owner owner) const;
  std::vector<std::string> Spaces() const;
  Task<> CreateSpaces(std::shared_ptr<rpc::Client> client) const;

  bool enabled_ = false;
  LockdConfig config_;
  Companion virtlockd_;
};

}  // namespace bv::qemu
