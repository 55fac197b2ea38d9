#pragma once

#include <deque>
#include <string>

#include "base/task.h"
#include "base/wait.h"

namespace bv::logd {

// Compresses the backups of logs in the background, one at a time, on the pool. The compressed file takes
// the place of the plain one by a rename, wherever that has moved to in the meantime; a kill at any
// instant leaves one of the two or both, which readers take for one, and the next Add() cleans up.
// Belongs to the loop; Stop() before it is destroyed.
class Compressor {
 public:
  explicit Compressor(unsigned max_backups) : max_backups_(max_backups) {}

  // Sees to all backups of the log at `path`.
  void Add(const std::string& path);
  // Ends after the file that is being compressed now.
  Task<> Stop();
  bool idle() const { return !running_; }

 private:
  Task<> Run();
  Task<> CompressBackups(std::string path);
  void Replace(const std::string& path, std::uint64_t inode);

  unsigned max_backups_;
  std::deque<std::string> waiting_;
  bool running_ = false, stopping_ = false;
  Event ended_;
};

}  // namespace bv::logd
