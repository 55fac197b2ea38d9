#pragma once

#include <cstddef>

#include "base/fd.h"
#include "base/loop.h"
#include "logd/rotating_file.h"

namespace bv::logd {

// One guest's output on its way from the pipe into the file. The kernel's pipe is the only buffer there
// is: a guest that is faster than the disk waits for itself, and costs no memory here.
// For one thread at a time (log_turns.h says which); blocks as files do, throws nothing.
class LogPump {
 public:
  // `pipe` is the read end.
  LogPump(RotatingFile file, Fd pipe);

  RotatingFile& file() { return file_; }
  int pipe() const { return pipe_.get(); }

  // When the next turn is worth it. A guest that writes all the time is not waited for: each time it would have
  // to be told that there is room, and we that there is something. We come back by the clock, as often as it
  // takes to find its pipe about half full.
  struct Next {
    enum { kWhenReadable, kAfterPause, kNever } when = kNever;  // kNever: all who could write have gone
    Clock::duration wait{0};  // the pause; or how long to wait for a busy guest that is silent now
    bool Soon() const { return when == kAfterPause || (when == kWhenReadable && wait.count() > 0); }
  };
  // Takes what is there, up to `most`. A guest that writes more than its pipe holds gets one that holds that
  // much, so that it can go on while we write. (`between`: see RotatingFile.)
  Next TakeTurn(const Pipe* between, std::size_t most);

  // Takes what was written by now.
  void TakeAll();

 private:
  Next Pace(std::size_t moved, bool busy);
  void Grow(std::size_t size);

  RotatingFile file_;
  Fd pipe_;
  std::size_t capacity_;
  Deadline last_turn_{};
  Clock::duration pause_{0};
};

}  // namespace bv::logd
