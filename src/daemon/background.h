#pragma once

#include "base/fd.h"

namespace bv {

// How a start went; what `-d` reports to the waiting parent, and partly the exit status.
enum class StartResult : unsigned char {
  kRunning = 0,
  kPidFile = 1,
  kRunDir = 2,
  kInit = 3,
  kSignals = 4,
  kNetwork = 6,
  kConfig = 7,
  kAudit = 10,
  kDriver = 11,
};

// The way back to a parent that waits until its daemon is ready. Without one, Report() does nothing.
class ParentPipe {
 public:
  ParentPipe() = default;

  // Forks; the parent waits for Report() and exits 0, or says what failed and exits 1. Returns in
  // the child, which has a session of its own, / as its directory, and /dev/null for input and
  // output. Call before anything has threads, a loop or locks.
  static ParentPipe ForkIntoBackground(const char* program);

  void Report(StartResult result);

 private:
  explicit ParentPipe(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace bv
