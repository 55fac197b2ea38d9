#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/wait.h"

namespace bv {

// Mutexes by name, each there as long as somebody has it or waits for it: for work on one thing that suspends,
// so that another piece of work on the same thing comes after it.
class Doors {
 public:
  // Whoever has it is alone with the name. Must not outlive the Doors.
  struct Door {
    std::shared_ptr<AsyncMutex> mutex;
    AsyncMutex::Lock lock;
  };

  // Nullopt at the deadline.
  Task<std::optional<Door>> Enter(std::string name, Deadline deadline = kNever) {
    std::erase_if(mutexes_, [](const auto& entry) { return entry.second.expired(); });
    auto mutex = mutexes_[name].lock();
    if (!mutex) mutexes_[name] = mutex = std::make_shared<AsyncMutex>();
    auto lock = co_await mutex->Acquire(deadline);
    if (!lock) co_return std::nullopt;
    co_return Door{std::move(mutex), std::move(*lock)};
  }

  // Whether somebody has the name or waits for it.
  bool InUse(const std::string& name) const {
    auto found = mutexes_.find(name);
    return found != mutexes_.end() && !found->second.expired();
  }

 private:
  std::map<std::string, std::weak_ptr<AsyncMutex>> mutexes_;
};

}  // namespace bv
