#include "logd/log_pump.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

namespace bv::logd {

namespace {

using namespace std::chrono_literals;

// What one guest may write before the others have their turn: what a pipe holds. With more, a guest that
// happens to run while its pipe is emptied would get many times what the others get.
constexpr std::size_t kTurn = 64 * 1024;
// The same while nobody else has anything to say.
constexpr std::size_t kTurnAlone = 1024 * 1024;
// Of a guest that is quicker than this many bytes a turn nothing is gained by waiting.
constexpr std::size_t kTrickle = 32 * 1024;
constexpr auto kPause = 1ms;
// What the pipe of a guest with small writes holds that fills it during a pause. Not for others: what stays
// in the processor's cache is copied faster.
constexpr int kLargePipe = 512 * 1024;

// Who had the last turn; to be compared, it may be gone.
const LogPump* last_served = nullptr;

}  // namespace

LogPump::LogPump(RotatingFile file, Fd pipe, std::function<void()> on_end)
    : file_(std::move(file)), pipe_(std::move(pipe)), on_end_(std::move(on_end)), pause_([this] { watch_->SetEvents(EPOLLIN); }) {
  fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  watch_.emplace(pipe_.get(), EPOLLIN, [this](std::uint32_t events) { OnEvents(events); });
}

void LogPump::OnEvents(std::uint32_t events) {
  auto now = Clock::now();
  bool busy = now - last_turn_ < 2 * kPause, paused = std::exchange(paused_, false);
  last_turn_ = now;
  std::size_t moved = 0, turn = std::exchange(last_served, this) == this ? kTurnAlone : kTurn;
  while (moved < turn) {
    auto step = file_.TakeFromPipe(pipe_.get(), turn - moved);
    if (step == 0) {
      watch_.reset();
      auto on_end = std::move(on_end_);
      return on_end();
    }
    if (step < 0) break;
    moved += static_cast<std::size_t>(step);
  }
  if (paused && moved >= kTurn) Grow();
  // A pipe without writers is announced whether we want to know or not.
  if (moved >= kTrickle || !busy || (events & EPOLLHUP)) return;
  paused_ = true;
  watch_->SetEvents(0);
  pause_.Start(kPause);
}

void LogPump::Grow() {
  if (grown_) return;
  grown_ = true;
  fcntl(pipe_.get(), F_SETPIPE_SZ, kLargePipe);
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
