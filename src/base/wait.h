#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/loop.h"
#include "base/task.h"

namespace bv {

// What coroutines wait for. Every wait has a deadline or is ended by somebody who sets the event:
// there is no other way to cancel. All of it is for the loop thread.

// A flag that coroutines wait for. Set() resumes all who wait, through the loop's queue.
class Event {
 public:
  class Awaiter;

  Event() = default;
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Set();
  void Reset() { set_ = false; }
  // Resumes those who wait now without leaving the flag set.
  void Pulse();
  bool is_set() const { return set_; }

  // `co_await event.Wait(deadline)`: true when set, false when the deadline came first.
  Awaiter Wait(Deadline deadline = kNever);

 private:
  friend class Awaiter;
  void ResumeAll();
  bool set_ = false;
  std::list<Awaiter*> waiters_;
};

class Event::Awaiter {
 public:
  Awaiter(Event& event, Deadline deadline) : event_(&event), deadline_(deadline) {}
  Awaiter(const Awaiter&) = delete;
  ~Awaiter();

  bool await_ready() const noexcept { return event_->set_; }
  void await_suspend(std::coroutine_handle<> handle);
  bool await_resume() const noexcept { return !timed_out_; }

 private:
  friend class Event;
  struct Resumer;  // shared with the loop's queue, so that a destroyed awaiter is never resumed
  Event* event_;
  Deadline deadline_;
  bool timed_out_ = false;
  bool linked_ = false;
  std::list<Awaiter*>::iterator position_;
  std::shared_ptr<Resumer> resumer_;
  std::optional<Timer> timer_;
};

inline Event::Awaiter Event::Wait(Deadline deadline) { return Awaiter(*this, deadline); }

// Suspends for at least `duration`.
Task<> Sleep(Clock::duration duration);

// Suspends until `fd` is readable (or writable), or has failed or hung up; false at the deadline.
// The descriptor must have no FdWatch of its own at that time.
Task<bool> Readable(int fd, Deadline deadline = kNever);
Task<bool> Writable(int fd, Deadline deadline = kNever);

namespace detail {
// Runs `work` on the pool, then `done` on the loop. The pool has 4 threads at most, besides those that have been
// at one thing for more than 0.1 s; they come when needed and go when idle.
void SubmitOffload(std::function<void()> work, std::function<void()> done);
}  // namespace detail

// Runs what may block in the kernel on a pool thread: `co_await Offload([=] { return f(x); })`.
// The function must touch nothing that belongs to the loop; it runs to its end even when the
// awaiter is gone, so capture by value. Its exceptions come back to the awaiter.
template <typename F>
auto Offload(F f) -> Task<std::invoke_result_t<F>> {
  using R = std::invoke_result_t<F>;
  struct State {
    explicit State(F work) : work(std::move(work)) {}
    F work;
    Event done;
    std::exception_ptr error;
    std::conditional_t<std::is_void_v<R>, bool, std::optional<R>> value{};
  };
  auto state = std::make_shared<State>(std::move(f));
  detail::SubmitOffload(
      [state] {
        try {
          if constexpr (std::is_void_v<R>) {
            state->work();
          } else {
            state->value.emplace(state->work());
          }
        } catch (...) {
          state->error = std::current_exception();
        }
      },
      [state] { state->done.Set(); });
  co_await state->done.Wait();
  if (state->error) std::rethrow_exception(state->error);
  if constexpr (!std::is_void_v<R>) co_return std::move(*state->value);
}

// Admits one coroutine at a time, in the order of arrival.
class AsyncMutex {
 public:
  class [[nodiscard]] Lock {
   public:
    explicit Lock(AsyncMutex* mutex) : mutex_(mutex) {}
    Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (mutex_) mutex_->Release();
    }

   private:
    AsyncMutex* mutex_;
  };

  // Nullopt at the deadline.
  Task<std::optional<Lock>> Acquire(Deadline deadline = kNever);
  bool held() const { return held_; }

 private:
  void Release();
  bool held_ = false;
  std::list<Event*> queue_;
};

}  // namespace bv
