#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/loop.h"
#include "base/wait.h"
#include "lockd/local_files.h"

namespace bv::lockd {

// What is done with lease files on the pool, where nobody but who asked waits for a server that is gone.
class FileWork {
 public:
  LocalFiles local;
  std::function<void()> on_idle = [] {};  // nothing is under way any more

  // `f` on the pool.
  template <typename F>
  auto Run(std::string path, F f) -> Task<std::invoke_result_t<F>> {
    Entry entry(*this, std::move(path));
    auto result = co_await Offload(std::move(f));
    co_return std::move(result);
  }

  bool idle() const { return under_way_.empty(); }
  // When nothing may be under way any more; false at the deadline.
  Task<bool> Ended(Deadline deadline) {
    ended_.Reset();
    if (idle()) co_return true;
    bool ended = co_await ended_.Wait(deadline);
    co_return ended;
  }
  // The path of what has taken longer than any disk does; null when there is none.
  const std::string* Stuck() const {
    bool stuck = !idle() && under_way_.begin()->first < Clock::now() - kGone;
    return stuck ? &under_way_.begin()->second : nullptr;
  }

 private:
  static constexpr std::chrono::seconds kGone{2};

  using Began = std::multimap<Deadline, std::string>;
  class Entry {
   public:
    Entry(FileWork& work, std::string path)
        : work_(work), position_(work.under_way_.emplace(Clock::now(), std::move(path))) {}
    ~Entry() {
      work_.under_way_.erase(position_);
      if (!work_.idle()) return;
      work_.ended_.Set();
      work_.on_idle();
    }

   private:
    FileWork& work_;
    Began::iterator position_;
  };

  Began under_way_;
  Event ended_;
};

}  // namespace bv::lockd
