#include "base/wait.h"

#include "base/pending.h"

#include <sys/epoll.h>

#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "base/turn.h"

namespace bv {

// --- Event ---------------------------------------------------------------------------------------

struct Event::Awaiter::Resumer {
  std::coroutine_handle<> handle;  // null once the awaiter is gone
  const char* name;                // what the coroutine was doing, for the stall detector

  static void Post(std::shared_ptr<Resumer> resumer) {
    Loop::Current().Post([resumer = std::move(resumer)] {
      if (!resumer->handle) return;
      loop_turn.name = resumer->name;
      resumer->handle.resume();
    });
  }
};

Event::~Event() { ResumeAll(); }

void Event::Set() {
  set_ = true;
  ResumeAll();
}

void Event::Pulse() { ResumeAll(); }

void Event::ResumeAll() {
  while (!waiters_.empty()) {
    Awaiter* awaiter = waiters_.front();
    waiters_.pop_front();
    awaiter->linked_ = false;
    awaiter->timer_.reset();
    Awaiter::Resumer::Post(awaiter->resumer_);
  }
}

void Event::Awaiter::await_suspend(std::coroutine_handle<> handle) {
  resumer_ = std::make_shared<Resumer>(Resumer{handle, loop_turn.name});
  position_ = event_->waiters_.insert(event_->waiters_.end(), this);
  linked_ = true;
  if (deadline_ == kNever) return;
  timer_.emplace([this] {
    event_->waiters_.erase(position_);
    linked_ = false;
    timed_out_ = true;
    Resumer::Post(resumer_);
  });
  timer_->Start(deadline_);
}

Event::Awaiter::~Awaiter() {
  if (linked_) event_->waiters_.erase(position_);
  if (resumer_) resumer_->handle = nullptr;
}

// --- Spawn ---------------------------------------------------------------------------------------

namespace {

// A coroutine that owns itself: its frame goes when it has finished.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

Detached RunDetached(Task<void> task, const char* name) {
  try {
    Loop::Current().set_running_name(name);
    co_await std::move(task);
  } catch (const std::exception& e) {
    LogError("event", "{}: {}", name, e.what());
  }
}

}  // namespace

void Spawn(Task<void> task, const char* name) {
  const char* caller = loop_turn.name;
  RunDetached(std::move(task), name);
  loop_turn.name = caller;
}

// --- Sleep, Readable, Writable -------------------------------------------------------------------

Task<> Sleep(Clock::duration duration) {
  Event never_set;
  co_await never_set.Wait(In(duration));
}

Task<> Breathe() {
  constexpr std::chrono::milliseconds kLong{4};
  if (Clock::now() - loop_turn.begin > kLong) co_await Sleep(Clock::duration::zero());
}

static Task<bool> WaitForEvents(int fd, std::uint32_t events, Deadline deadline) {
  Event happened;
  FdWatch watch(fd, events, [&](std::uint32_t) {
    watch.SetEvents(0);
    happened.Set();
  });
  co_return co_await happened.Wait(deadline);
}

Task<bool> Readable(int fd, Deadline deadline) { return WaitForEvents(fd, EPOLLIN, deadline); }
Task<bool> Writable(int fd, Deadline deadline) { return WaitForEvents(fd, EPOLLOUT, deadline); }

// --- Offload -------------------------------------------------------------------------------------

namespace detail {

namespace {

struct Job {
  Loop* loop;
  std::function<void()> work, done;
};

// Threads come when there is work that no idle thread can take, and go after idle moments, so that a
// daemon at rest has one thread. A few work at once; who has been at one thing for long is stuck in the
// kernel (a file whose server is gone) and not counted among them, so that it holds up nobody else.
class Pool {
 public:
  void Submit(Job job) {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    CallThread();
  }

 private:
  static constexpr std::size_t kAtOnce = 4, kMostThreads = 256;
  static constexpr std::chrono::milliseconds kIdle{200}, kStuck{100};

  // One that waits is enough: it takes the next job, or the first one to get stuck leaves it one.
  void CallThread() {
    if (waiting_ > 0) return wake_.notify_one();
    if (threads_ == kMostThreads) return;
    ++threads_;
    std::thread([this] { Work(); }).detach();
  }

  // Until when the threads that work are too many for another; in the past when they are not.
  Deadline FullUntil() const {
    auto fresh = began_.upper_bound(Clock::now() - kStuck);
    auto count = static_cast<std::size_t>(std::distance(fresh, began_.end()));
    return count < kAtOnce ? Deadline::min() : *std::next(fresh, static_cast<std::ptrdiff_t>(count - kAtOnce)) + kStuck;
  }

  // False when there is nothing to do for a while.
  bool WaitForJob(std::unique_lock<std::mutex>& lock) {
    Deadline idle_end = In(kIdle);
    for (;;) {
      Deadline full = jobs_.empty() ? kNever : FullUntil();
      if (full <= Clock::now()) return true;
      if (jobs_.empty() && Clock::now() >= idle_end) return false;
      wake_.wait_until(lock, jobs_.empty() ? idle_end : full);
    }
  }

  void Work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++waiting_;
      bool more = WaitForJob(lock);
      --waiting_;
      if (!more) break;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      auto mine = began_.insert(Clock::now());
      if (!jobs_.empty()) CallThread();
      lock.unlock();
      job.work();
      job.work = nullptr;  // captured values go on this thread, not on the loop's
      job.loop->PostFromThread(std::move(job.done));
      lock.lock();
      began_.erase(mine);
      if (!jobs_.empty()) wake_.notify_one();
    }
    --threads_;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::multiset<Deadline> began_;  // when each thread that works took its job
  std::size_t waiting_ = 0, threads_ = 0;
};

}  // namespace

// Of the loop's thread.
std::size_t pending_offloads = 0;

void SubmitOffload(std::function<void()> work, std::function<void()> done) {
  // Never destroyed: detached threads may outlive main().
  static Pool* pool = new Pool;
  ++pending_offloads;
  auto counted = [done = std::move(done)] {
    --pending_offloads;
    done();
  };
  pool->Submit({&Loop::Current(), std::move(work), std::move(counted)});
}

}  // namespace detail

std::size_t PendingOffloads() { return detail::pending_offloads; }

// --- AsyncMutex ----------------------------------------------------------------------------------

Task<std::optional<AsyncMutex::Lock>> AsyncMutex::Acquire(Deadline deadline) {
  if (held_) {
    Event turn;
    auto position = queue_.insert(queue_.end(), &turn);
    // Release() passes the mutex on by taking us off the queue, so held_ stays set meanwhile.
    if (!co_await turn.Wait(deadline) && !turn.is_set()) {
      queue_.erase(position);
      co_return std::nullopt;
    }
    co_return Lock(this);
  }
  held_ = true;
  co_return Lock(this);
}

void AsyncMutex::Release() {
  if (queue_.empty()) {
    held_ = false;
    return;
  }
  Event* next = queue_.front();
  queue_.pop_front();
  next->Set();
}

}  // namespace bv
