#include "logd/log_pump.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace bv::logd {

namespace {

using namespace std::chrono_literals;

// Who writes twice within this time is busy. No line comes later by more than half of it.
constexpr Clock::duration kBusy = 2ms, kLongestPause = 1ms;
// A sleep takes about as long at least.
constexpr Clock::duration kShortestPause = 60us;

}  // namespace

LogPump::LogPump(RotatingFile file, Fd pipe) : file_(std::move(file)), pipe_(std::move(pipe)) {
  fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  capacity_ = static_cast<std::size_t>(std::max(fcntl(pipe_.get(), F_GETPIPE_SZ), 4096));
}

LogPump::Next LogPump::TakeTurn(const Pipe* between, std::size_t most) {
  bool busy = Clock::now() - last_turn_ < kBusy;
  std::size_t moved = 0;
  while (moved < most) {
    auto step = file_.TakeFromPipe(pipe_.get(), most - moved, between);
    if (step == 0) return {Next::kNever};
    if (step < 0) break;
    moved += static_cast<std::size_t>(step);
  }
  last_turn_ = Clock::now();
  Next next = Pace(moved, busy);
  if (moved >= capacity_ / 4 * 3 && capacity_ < most) Grow(most);
  return next;
}

LogPump::Next LogPump::Pace(std::size_t moved, bool busy) {
  if (!busy) pause_ = 0s;
  if (moved >= capacity_ / 2) {
    pause_ = pause_ > kShortestPause ? pause_ / 2 : 0s;
  } else if (moved < capacity_ / 4) {
    if (!busy) return {Next::kWhenReadable};
    if (moved == 0) return {Next::kWhenReadable, kBusy};
    pause_ = std::clamp(pause_ * 2, kShortestPause, kLongestPause);
  }
  return {Next::kAfterPause, pause_};
}

// The system may refuse it to a user who has many pipes.
void LogPump::Grow(std::size_t size) {
  int now = fcntl(pipe_.get(), F_SETPIPE_SZ, static_cast<int>(size));
  if (now > 0) capacity_ = static_cast<std::size_t>(now);
}

void LogPump::TakeAll() {
  int there = 0;
  ioctl(pipe_.get(), FIONREAD, &there);
  for (auto left = static_cast<std::size_t>(std::max(there, 0)); left > 0;) {
    auto step = file_.TakeFromPipe(pipe_.get(), left);
    if (step <= 0) return;
    left -= static_cast<std::size_t>(step);
  }
}

}  // namespace bv::logd
