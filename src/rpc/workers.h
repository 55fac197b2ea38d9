#pragma once

#include <cstdint>
#include <deque>
#include <functional>

namespace bv::rpc {

// Admission slots for running calls: what libvirt calls workers. A call takes a slot while its
// handler runs; with none free it waits its turn. Priority calls have slots of their own besides,
// so that they get through when all ordinary slots wait for something.
class Workers {
 public:
  Workers(uint32_t max, uint32_t priority_max) : max_(max), priority_max_(priority_max) {}

  enum class Slot : uint8_t { kNone, kOrdinary, kPriority };

  // A slot if one is free, or kNone.
  Slot TryAcquire(bool priority);
  // Calls `start` with a slot when one becomes free, from Release() or SetLimits().
  void Queue(bool priority, std::function<void(Slot)> start);
  void Release(Slot slot);

  // Raising a limit starts what waits; lowering it lets running calls end.
  void SetLimits(uint32_t max, uint32_t priority_max);
  uint32_t max() const { return max_; }
  uint32_t priority_max() const { return priority_max_; }
  uint32_t running() const { return running_; }
  uint32_t priority_running() const { return priority_running_; }
  size_t waiting() const { return waiting_.size() + priority_waiting_.size(); }

 private:
  void StartWaiting();

  uint32_t max_, priority_max_;
  uint32_t running_ = 0, priority_running_ = 0;
  bool starting_ = false;
  std::deque<std::function<void(Slot)>> waiting_, priority_waiting_;
};

}  // namespace bv::rpc
