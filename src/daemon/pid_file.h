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
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  void Remove();

 private:
  std::string path_;
  Fd fd_;
};

}  // namespace bv
