#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/task.h"
#include "base/wait.h"
#include "logd/log_turns.h"

namespace bv::logd {

// Compresses the backups of logs in the background, one at a time, on the pool. The compressed file takes
// the place of the plain one by a rename, wherever that has moved to in the meantime; a kill at any
// instant leaves one of the two or both, which readers take for one, and the next Add() cleans up.
// Belongs to the loop; Stop() before it is destroyed.
class Compressor {
 public:
  // `hold` keeps the log of that path, should it be written, from rolling over meanwhile.
  using HoldLog = std::function<Task<std::optional<LogTurns::Held>>(std::string path)>;
  Compressor(unsigned max_backups, HoldLog hold) : max_backups_(max_backups), hold_(std::move(hold)) {}

  // Sees to all backups of the log at `path`.
  void Add(const std::string& path);
  // Ends after the file that is being compressed now; returns then, or at the deadline.
  Task<> Stop(Deadline deadline);
  bool idle() const { return !running_; }

 private:
  Task<> Run();
  Task<> CompressBackups(std::string path);
  static void Replace(const std::string& path, std::uint64_t inode, unsigned backups);

  unsigned max_backups_;
  HoldLog hold_;
  std::deque<std::string> waiting_;
  bool running_ = false, stopping_ = false;
  Event ended_;
};

}  // namespace bv::logd
