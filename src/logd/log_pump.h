#pragma once

#include <functional>
#include <optional>

#include "base/fd.h"
#include "base/loop.h"
#include "logd/rotating_file.h"

namespace bv::logd {

// One guest's output on its way from the pipe into the file. The kernel's pipe is the only buffer there
// is: a guest that is faster than the disk waits for itself, and costs no memory here. A turn on the loop
// is bounded, so that all guests have theirs. What trickles in is taken a millisecond at a time, which
// spares a guest with many small writes most of the wake-ups.
// Belongs to the loop.
class LogPump {
 public:
  // `pipe` is the read end. `on_end` is called once, when all who could write have gone and everything
  // is in the file; it may destroy this.
  LogPump(RotatingFile file, Fd pipe, std::function<void()> on_end);

  RotatingFile& file() { return file_; }
  const RotatingFile& file() const { return file_; }
  int pipe() const { return pipe_.get(); }

  // Takes what was written by now.
  void TakeAll();

 private:
  void OnEvents(std::uint32_t events);
  void Grow();

  RotatingFile file_;
  Fd pipe_;
  std::function<void()> on_end_;
  std::optional<FdWatch> watch_;
  Timer pause_;
  Deadline last_turn_{};
  bool paused_ = false;  // since the last turn
  bool grown_ = false;
};

}  // namespace bv::logd
