#include "rpc/keepalive.h"

namespace bv::rpc {

KeepAlive::KeepAlive(Clock::duration interval, uint32_t count, std::function<void()> ping,
                     std::function<void()> give_up)
    : interval_(interval),
      count_(count),
      ping_(std::move(ping)),
      give_up_(std::move(give_up)),
      timer_([this] { Tick(); }) {}

void KeepAlive::Start() {
  last_heard_ = Clock::now();
  pings_ = 0;
  timer_.Start(interval_);
}

// The timer runs to the end of the current silence, not from every message: a busy connection
// costs one tick an interval.
void KeepAlive::Tick() {
  Deadline now = Clock::now();
  if (pings_ > 0 && last_heard_ > last_ping_) pings_ = 0;
  Deadline due = last_heard_ + interval_ * (pings_ + 1);
  if (now < due) return timer_.Start(due);
  if (pings_ >= count_) return give_up_();
  ++pings_;
  last_ping_ = now;
  timer_.Start(interval_);
  ping_();
}

}  // namespace bv::rpc
