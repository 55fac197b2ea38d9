#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "lockd/lock_state.h"
#include "upgrade/fds.h"

namespace bv::lockd {

// Flags of an acquisition, as the lock protocol numbers them.
enum : unsigned {
  kShared = 1 << 0,
  kAutocreate = 1 << 1,  // make the lease file, and remove it with the last owner
};

// Leases on files of one directory ("" means that names are whole paths: the disks themselves). A lease
// is an fcntl lock on the first byte of a file, so that other hosts on a shared file system see it,
// and a row here, since one process holds them all. The locks belong to open file descriptions: they
// neither go with another descriptor of the file nor hide from our own.
// Errors have domain kLockspace: kResourceBusy when somebody else holds the lease.
class Lockspace {
 public:
  // Makes the directory and those above it (mode 0700) if need be.
  explicit Lockspace(std::string directory);

  // A lease file that stays until it is deleted; neither works on one that is held.
  void Create(const std::string& name);
  void Delete(const std::string& name);

  void Acquire(const std::string& name, pid_t owner, unsigned flags);
  void Release(const std::string& name, pid_t owner);
  // True when there were any.
  bool ReleaseAllOf(pid_t owner);

  std::size_t held() const { return leases_.size(); }

  // For a live upgrade. libvirt's daemon leaves POSIX locks, which a close of any descriptor of the file
  // would drop: a shared one is exchanged for ours, an exclusive one stays, since there is no moment
  // without it, and the file is not opened again. Throws kResourceBusy when the lock is gone.
  std::vector<SavedLease> Save(upgrade::PassedFds& fds) const;
  void Restore(SavedLease saved, Fd fd);

 private:
  struct Lease {
    Fd fd;
    unsigned flags;
    std::vector<pid_t> owners;  // one entry an acquisition
    bool posix = false;
  };

  std::string PathOf(const std::string& name) const;
  Fd OpenAndLock(const std::string& name, unsigned flags) const;
  void Drop(std::map<std::string, Lease>::iterator lease);

  std::string directory_;
  std::map<std::string, Lease> leases_;
};

}  // namespace bv::lockd
