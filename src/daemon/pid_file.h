#pragma once

#include <string>

#include "base/fd.h"

namespace bv {

// A pid file that is locked for as long as its daemon lives, so that one left behind by a crash does
// not keep the next daemon from starting. Removed by the destructor, if not before.
class PidFile {
 public:
  // Writes our pid. Throws kSystemError when another process holds it.
  explicit PidFile(const std::string& path);
  // Takes over what another image of this process holds; like the other one where that is not so.
  PidFile(const std::string& path, Fd held);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  void Remove();
  // -1 once it is removed.
  int fd() const { return fd_.get(); }

 private:
  void Acquire();
  // Whether the descriptor is the file at the path, and its lock ours.
  bool Holds() const;

  std::string path_;
  Fd fd_;
};

}  // namespace bv
