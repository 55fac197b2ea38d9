#include "rpc/workers.h"

#include <utility>

namespace bv::rpc {

Workers::Slot Workers::TryAcquire(bool priority) {
  if (running_ < max_) {
    ++running_;
    return Slot::kOrdinary;
  }
  if (priority && priority_running_ < priority_max_) {
    ++priority_running_;
    return Slot::kPriority;
  }
  return Slot::kNone;
}

void Workers::Queue(bool priority, std::function<void(Slot)> start) {
  (priority ? priority_waiting_ : waiting_).push_back(std::move(start));
}

void Workers::Release(Slot slot) {
  if (slot == Slot::kOrdinary) --running_;
  if (slot == Slot::kPriority) --priority_running_;
  StartWaiting();
}

void Workers::SetLimits(uint32_t max, uint32_t priority_max) {
  max_ = max;
  priority_max_ = priority_max;
  StartWaiting();
}

void Workers::StartWaiting() {
  // What is started may end at once and come back here.
  if (starting_) return;
  starting_ = true;
  while (waiting() > 0) {
    bool priority = !priority_waiting_.empty();
    Slot slot = TryAcquire(priority);
    if (slot == Slot::kNone) break;
    auto& queue = priority ? priority_waiting_ : waiting_;
    auto start = std::move(queue.front());
    queue.pop_front();
    start(slot);
  }
  starting_ = false;
}

}  // namespace bv::rpc
