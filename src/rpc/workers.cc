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

Workers::Slot Workers::Acquire(bool priority, std::function<void(Slot)> start) {
  Slot slot = TryAcquire(priority);
  if (slot == Slot::kNone) (priority ? priority_waiting_ : waiting_).push_back(std::move(start));
  return slot;
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
  while (true) {
    auto& queue = priority_waiting_.empty() ? waiting_ : priority_waiting_;
    if (queue.empty()) return;
    Slot slot = TryAcquire(!priority_waiting_.empty());
    if (slot == Slot::kNone) return;
    auto start = std::move(queue.front());
    queue.pop_front();
    start(slot);
  }
}

}  // namespace bv::rpc
