#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

#include "base/fd.h"
#include "base/loop.h"

namespace bv::lockd {

// Which files can be used on the loop: those on file systems of this machine. Another's server may be gone, and
// even asking the file system what it is waits then; so it is asked on the pool, by whoever works with a file
// there anyway, and remembered until the mount table changes. Belongs to the loop, but for IsLocal(fd).
class LocalFiles {
 public:
  LocalFiles();

  // Whether the path leads to a file that is known to be local. False when that would take any waiting to find
  // out, or the kernel cannot tell (openat2 is of Linux 5.6, what it takes here of 5.12). Where a path leads is
  // looked up once a second.
  bool Knows(const std::string& path);

  // Asks the file system, on the pool.
  struct Answer {
    dev_t device = 0;
    bool local = false;
  };
  static Answer Ask(int fd);
  // To be called before and after: what was asked while mounts changed is worth nothing.
  std::uint64_t Generation();
  void Remember(const Answer& answer, std::uint64_t generation);

 private:
  bool LeadsToLocal(const std::string& path) const;

  Fd mounts_;
  std::uint64_t generation_ = 0;
  std::set<dev_t> local_;
  std::unordered_map<std::string, Deadline> seen_;  // paths that led to local files, and until when that is believed
};

}  // namespace bv::lockd
