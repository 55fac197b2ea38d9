#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/fd.h"
#include "base/loop.h"
#include "base/task.h"
#include "base/wait.h"
#include "logd/log_pump.h"

namespace bv::logd {

// Gives every log with something in its pipe its turns, in the order in which they asked, on threads of its
// own: files may block, and one thread cannot write as fast as many guests. The first thread comes when a
// guest says something, others while turns are late or a busy guest keeps one; they go when there is nothing
// to do. While all guests are silent the loop watches for the first who speaks. A file that does not answer
// (its server is gone) costs its own log its turns, and us a thread more.
//
// A log's file and pipe belong to a turn while there is one, and to nobody in between: whoever wants them
// holds the log first. The object and its calls belong to the loop, if nothing else is said.
class LogTurns : public std::enable_shared_from_this<LogTurns> {
 public:
  class Log;
  class Held;

  // `most_discarded`: bytes that dropped files may take while guests are busy, if the disk has room for more.
  static std::shared_ptr<LogTurns> Make(std::uint64_t most_discarded = 512u << 20);
  // The end of it. Waits for turns that are under way until the deadline; threads that are stuck then keep what
  // they work on. Held ones must be gone.
  void Close(Deadline deadline = kNever);

  // `on_end` is called on the loop, once, after the last turn there can be.
  std::shared_ptr<Log> Add(LogPump pump, std::function<void()> on_end);

  // The log without a turn, from now until Held goes; one at a time, in the order of arrival. Nullopt when a
  // turn takes until the deadline.
  Task<std::optional<Held>> Hold(std::shared_ptr<Log> log, Deadline deadline = kNever);

  // As it was when it last had no turn, for who need not have it exactly.
  struct Glance {
    int pipe, file;
    std::uint64_t lost;
  };
  Glance LookAt(const Log& log) const;

  // Whether a turn of it, or who holds it, has been waiting for its file for long.
  bool IsStuck(const Log& log) const;

  // From any thread: closes a file that is gone, which frees what it held and takes its time.
  void Discard(Fd file);
  // The same: frees all of those now. False when there are none.
  bool FreeDiscarded();
  // From any thread: calls `fn` on the loop, unless we are gone by then.
  void ToLoop(std::function<void()> fn);

 private:
  // When the work of a thread began; 0 while it does none.
  using Began = std::atomic<Clock::rep>;

  explicit LogTurns(std::uint64_t most_discarded);
  void Start();
  bool StartThread();
  void WatchAgain();
  // The threads' part, with mutex_ held.
  void Serve();
  void Hear();
  void GiveTurns(std::unique_lock<std::mutex>& lock, Log& log, const Pipe* between, Began& began);
  bool MayStay();
  void Dismiss(Log& log, LogPump::Next next);
  bool CallHelp();
  bool WaitForCall(std::unique_lock<std::mutex>& lock);
  void CloseDiscarded(std::unique_lock<std::mutex>& lock, Began& began);
  int StuckThreads() const;
  static bool IsLong(const Began& began, Clock::duration time);
  void WaitUntil(std::unique_lock<std::mutex>& lock, Deadline until);
  void Note(Log& log);
  void Listen(Log& log);
  void Queue(Log& log, Deadline when);
  void Withdraw(Log& log);
  void Wake();
  void Release(Log& log);

  const std::uint64_t most_discarded_;

  std::mutex loop_mutex_;
  Loop* loop_ = &Loop::Current();  // guarded by it; null when closed
  Fd silent_;  // an epoll set: pipes of logs that have not asked for a turn, and wake_
  Fd wake_;
  std::optional<FdWatch> watch_;  // of silent_, while there is no thread
  std::optional<Timer> again_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // what reaches the loop later must not find us gone

  mutable std::mutex mutex_;
  std::multimap<Deadline, Log*> queue_;
  struct Discarded {
    Fd file;
    std::uint64_t size;
  };
  std::deque<Discarded> discarded_;
  std::uint64_t discarded_bytes_ = 0;
  int threads_ = 0;
  std::list<Began> began_;  // of each
  std::atomic<std::size_t> logs_ = 0;   // that have not ended
  std::atomic<bool> crowded_ = false;   // some wait for a thread, and there are no more
  int in_turns_ = 0;           // of those
  bool watching_ = false;      // a thread waits for silent_ and the queue's first
  Deadline watches_until_{};
  int spare_ = 0;              // threads that wait to be called
  std::condition_variable call_;
  bool closing_ = false;
  std::condition_variable left_;
};

// A log as LogTurns knows it.
class LogTurns::Log : public std::enable_shared_from_this<Log> {
 public:
  Log(LogPump pump, std::function<void()> on_end) : pump_(std::move(pump)), on_end_(std::move(on_end)) {}

 private:
  friend class LogTurns;
  friend class Held;
  enum class Place { kSilent, kQueued, kTurn, kHeld, kEnded };

  LogPump pump_;
  std::function<void()> on_end_;
  AsyncMutex holders_;
  Event yielded_;
  // Guarded by LogTurns' mutex.
  Place place_ = Place::kEnded;
  std::multimap<Deadline, Log*>::iterator position_;
  const Began* began_ = nullptr;  // of the turn
  Deadline held_since_{};
  std::atomic<bool> wanted_ = false;  // to be held after this turn
  bool ended_ = false;
  Glance glance_{};
};

class [[nodiscard]] LogTurns::Held {
 public:
  Held(LogTurns& turns, std::shared_ptr<Log> log, AsyncMutex::Lock lock)
      : turns_(&turns), log_(std::move(log)), lock_(std::move(lock)) {}
  Held(Held&&) = default;
  ~Held() {
    if (log_) turns_->Release(*log_);
  }

  // For the holder and what it offloads.
  LogPump& pump() const { return log_->pump_; }
  const std::shared_ptr<Log>& log() const { return log_; }

 private:
  LogTurns* turns_;
  std::shared_ptr<Log> log_;
  AsyncMutex::Lock lock_;
};

}  // namespace bv::logd
