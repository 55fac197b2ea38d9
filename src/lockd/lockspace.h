#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/doors.h"
#include "base/task.h"
#include "lockd/file_work.h"
#include "lockd/lease_file.h"
#include "lockd/lock_state.h"
#include "upgrade/fds.h"

namespace bv::lockd {

// Leases on files of one directory ("" means that names are whole paths: the disks themselves). A lease is a
// locked file (lease_file.h), and a row here, since one process holds them all.
// Errors have domain kLockspace: kResourceBusy when somebody else holds the lease.
//
// Files of this machine are used at once. Others may be on a server that is gone: these are used on the pool, one
// piece of work a lease at a time, so that whoever wants another lease does not wait for them. What waits goes on
// when the server is back, whether somebody still waits for it or not.
class Lockspace {
 public:
  Lockspace(std::string directory, FileWork& work) : directory_(std::move(directory)), work_(work) {}

  // Makes the directory and those above it (mode 0700) if need be, on whichever thread.
  static void MakeDirectory(const std::string& directory);

  // A lease file that stays until it is deleted; neither works on one that is held.
  Task<> Create(std::string name);
  Task<> Delete(std::string name);

  // Both in one step: false, and nothing done, when it may take waiting.
  bool AcquireAtOnce(const std::string& name, pid_t owner, unsigned flags);
  bool ReleaseAtOnce(const std::string& name, pid_t owner);
  // A lease that is not `wanted` any more when it is there is given back.
  Task<> Acquire(std::string name, pid_t owner, unsigned flags, std::function<bool()> wanted);
  Task<> Release(std::string name, pid_t owner);
  // True when there were any. Those that take waiting are free some time later.
  bool ReleaseAllOf(pid_t owner);

  std::size_t held() const { return leases_.size(); }

  // For a live upgrade.
  std::vector<SavedLease> Save(upgrade::PassedFds& fds) const;
  void Restore(SavedLease saved, Fd fd);

 private:
  struct Lease {
    LeaseFile file;
    unsigned flags;
    std::vector<pid_t> owners;  // one entry an acquisition
    bool local;                 // its file can be given back at once
  };
  using Leases = std::map<std::string, Lease>;

  std::string PathOf(const std::string& name) const;
  bool IsLocal(const std::string& name, unsigned flags) const;
  bool AddOwner(const std::string& name, pid_t owner, unsigned flags);
  Leases::iterator LeaseOf(const std::string& name, pid_t owner);
  LeaseFile Forget(Leases::iterator lease);
  void DropAtOnce(Leases::iterator lease);
  Task<> Drop(std::string name, LeaseFile file, unsigned flags);
  Task<> DropUnowned(std::string name);

  std::string directory_;
  FileWork& work_;
  Leases leases_;
  Doors doors_;
};

}  // namespace bv::lockd
