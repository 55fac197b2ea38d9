#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace bv {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;
inline constexpr Deadline kNever = Deadline::max();
inline Deadline In(Clock::duration d) { return Clock::now() + d; }

// The daemon's one event loop: a GLib main context with one GSource, behind which all descriptors
// sit in one epoll set and all timers in one map, so that an iteration's cost does not grow with
// the number of idle connections. Everything but PostFromThread() is for the loop thread only.
class Loop {
 public:
  using Callback = std::function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop of this thread; there is one at a time, made by main() or by a test.
  static Loop& Current();

  // Dispatches until Quit(), which may come first. May be called again after it returned.
  void Run();
  void Quit();

  // Runs `fn` in the next round of this iteration, never within the caller.
  void Post(Callback fn);
  // Resumes `handle` like Post; the cheap way that awaiters use.
  void PostResume(std::coroutine_handle<> handle);
  // The same as Post from any thread; wakes the loop.
  void PostFromThread(Callback fn);

  // The stall detector: a single callback that keeps the loop longer than kStallLimit is counted
  // and logged with the handler's name.
  static constexpr std::chrono::milliseconds kStallLimit{10};
  struct StallStats {
    std::uint64_t count = 0;
    std::chrono::microseconds worst{0};
    const char* worst_name = "";
  };
  const StallStats& stalls() const;
  // Names what the running callback does, for the stall detector; static lifetime.
  void set_running_name(const char* name);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Calls `on_events` with EPOLLIN/EPOLLOUT/EPOLLHUP... while it lives. Does not own the descriptor;
// at most one FdWatch a descriptor; destroy it before the descriptor is closed. It may destroy
// itself from within its callback. Level-triggered.
class FdWatch {
 public:
  using Callback = std::function<void(std::uint32_t events)>;
  FdWatch(int fd, std::uint32_t events, Callback on_events);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // Changes what is waited for; 0 leaves only EPOLLERR and EPOLLHUP.
  void SetEvents(std::uint32_t events);
  std::uint32_t events() const { return events_; }
  int fd() const { return fd_; }

 private:
  friend class Loop;
  friend struct Loop::Impl;
  int fd_;
  std::uint32_t events_;
  std::shared_ptr<Callback> on_events_;
};

// Calls back once, at or after its deadline; re-armed with Start. May be destroyed or re-armed from
// within its callback.
class Timer {
 public:
  explicit Timer(std::function<void()> on_expiry) : on_expiry_(std::move(on_expiry)) {}
  ~Timer() { Stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void Start(Deadline when);
  void Start(Clock::duration delay) { Start(In(delay)); }
  void Stop();
  bool running() const { return running_; }

 private:
  friend struct Loop::Impl;
  std::function<void()> on_expiry_;
  std::multimap<Deadline, Timer*>::iterator position_;
  bool running_ = false;
};

}  // namespace bv
