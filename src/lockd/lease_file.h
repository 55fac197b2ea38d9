#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/fd.h"

namespace bv::lockd {

// Flags of an acquisition, as the lock protocol numbers them.
enum : unsigned {
  kShared = 1 << 0,
  kAutocreate = 1 << 1,  // make the lease file, and remove it with the last owner
};

[[noreturn]] void ThrowBusy(const std::string& name);

// Files that may not be opened, because closing them again would drop a POSIX lock of ours.
using FileId = std::pair<dev_t, ino_t>;
using FileIds = std::set<FileId>;

// What a lease is in the file system: an fcntl lock on the first byte of a file, so that other hosts on a shared
// file system see it. The lock belongs to the open file description: it neither goes with another descriptor of
// the file nor hides from our own. Everything waits as files do, and may be done on any thread.
// Errors have domain kLockspace: kResourceBusy when somebody else holds the lock.
class LeaseFile {
 public:
  // Makes the file if need be.
  static void Create(const std::string& name, const std::string& path, const FileIds& forbidden);
  static LeaseFile Lock(const std::string& name, const std::string& path, unsigned flags, const FileIds& forbidden);
  // For a live upgrade: one that is locked already. libvirt's daemon leaves POSIX locks, which a close of any
  // descriptor of the file would drop: a shared one is exchanged for ours, an exclusive one stays (posix()), since
  // there is no moment without it. Throws kResourceBusy when the lock is gone.
  static LeaseFile TakeOver(const std::string& name, Fd fd, unsigned flags);
  // The same for a lock that one of our own images left, which there is nothing to ask about.
  explicit LeaseFile(Fd fd) : fd_(std::move(fd)) {}

  // Gives the lock back, and removes the file if that is for us to do.
  void Drop(const std::string& path, unsigned flags) &&;

  int fd() const { return fd_.get(); }
  // The file, when its lock is a POSIX lock.
  const std::optional<FileId>& posix() const { return posix_; }

 private:
  Fd fd_;
  std::optional<FileId> posix_;
};

}  // namespace bv::lockd
