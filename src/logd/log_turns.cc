#include "logd/log_turns.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace bv::logd {

namespace {

using namespace std::chrono_literals;

// More than there are processors, usually: each then waits for one guest, whose output it finds in the cache.
constexpr int kMostThreads = 9;
// Without something to do for so long, the last thread goes.
constexpr Clock::duration kStay = 200ms;
// A turn that is late by this much calls another thread.
constexpr Clock::duration kLate = 200us;
constexpr Clock::duration kAgain = 100ms;
// A thread that is at one turn for so long is not counted among the others.
constexpr Clock::duration kStuck = 250ms;
// No disk that is only slow makes a log wait for so long.
constexpr Clock::duration kGone = 2s;
constexpr int kBatch = 64;
// What dropped files may still take of a disk while everybody is busy.
constexpr std::uint64_t kPartOfFree = 32;
// What all pipes together may hold, when all guests write more than we can take; each has an equal part, within
// limits. Who could write more at a turn than others would get as much more of everything.
constexpr std::size_t kInPipes = 16u << 20, kLeastTurn = 64u << 10, kLongestTurn = 1u << 20;

timespec ToTimespec(Clock::duration time) {
  time = std::max(time, Clock::duration::zero());
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

bool WaitReadable(int fd, Clock::duration limit) {
  pollfd file{.fd = fd, .events = POLLIN, .revents = 0};
  timespec time = ToTimespec(limit);
  return ppoll(&file, 1, &time, nullptr) > 0;
}

// False when it is not worth it any more.
bool WaitFor(int pipe, LogPump::Next next) {
  if (next.when == next.kWhenReadable) return WaitReadable(pipe, next.wait);
  timespec time = ToTimespec(next.wait);
  if (next.wait > 0s) nanosleep(&time, nullptr);
  return true;
}

std::optional<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return std::nullopt;
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  fcntl(pipe.in.get(), F_SETPIPE_SZ, static_cast<int>(kLongestTurn));
  return pipe;
}

}  // namespace

LogTurns::LogTurns(std::uint64_t most_discarded)
    : most_discarded_(most_discarded), silent_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!silent_ || !wake_) throw SystemError(ErrorDomain::kLogging, "cannot watch logs");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(silent_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  watch_.emplace(silent_.get(), EPOLLIN, [this](std::uint32_t) { Start(); });
  again_.emplace([this] { Start(); });
}

std::shared_ptr<LogTurns> LogTurns::Make(std::uint64_t most_discarded) {
  return std::shared_ptr<LogTurns>(new LogTurns(most_discarded));
}

void LogTurns::Close(Deadline deadline) {
  watch_.reset();
  again_.reset();
  {
    std::lock_guard lock(loop_mutex_);
    alive_.reset();
    loop_ = nullptr;
  }
  std::unique_lock lock(mutex_);
  closing_ = crowded_ = true;
  Wake();
  call_.notify_all();
  left_.wait_until(lock, deadline, [this] { return threads_ == 0; });
}

// --- the loop's part -----------------------------------------------------------------------------

std::shared_ptr<LogTurns::Log> LogTurns::Add(LogPump pump, std::function<void()> on_end) {
  auto log = std::make_shared<Log>(std::move(pump), std::move(on_end));
  std::lock_guard lock(mutex_);
  ++logs_;
  Note(*log);
  Listen(*log);
  return log;
}

Task<std::optional<LogTurns::Held>> LogTurns::Hold(std::shared_ptr<Log> log, Deadline deadline) {
  auto mine = co_await log->holders_.Acquire(deadline);
  if (!mine) co_return std::nullopt;
  auto taken = [&] {
    std::lock_guard lock(mutex_);
    log->wanted_ = log->place_ == Log::Place::kTurn;
    if (!log->wanted_) Withdraw(*log);
    return !log->wanted_;
  };
  while (!taken()) {
    log->yielded_.Reset();
    if (co_await log->yielded_.Wait(deadline)) continue;
    std::lock_guard lock(mutex_);
    if (log->wanted_.exchange(false)) co_return std::nullopt;
  }
  co_return Held(*this, std::move(log), std::move(*mine));
}

void LogTurns::Release(Log& log) {
  std::lock_guard lock(mutex_);
  Note(log);
  Listen(log);
}

LogTurns::Glance LogTurns::LookAt(const Log& log) const {
  std::lock_guard lock(mutex_);
  return log.glance_;
}

bool LogTurns::IsStuck(const Log& log) const {
  std::lock_guard lock(mutex_);
  if (log.place_ == Log::Place::kTurn) return IsLong(*log.began_, kGone);
  return log.place_ == Log::Place::kHeld && Clock::now() - log.held_since_ > kGone;
}

// And as long as there are threads, now and then: the one that would watch may be stuck in a file.
void LogTurns::Start() {
  watch_->SetEvents(0);
  std::lock_guard lock(mutex_);
  if (!watching_) CallHelp();
  again_->Start(kAgain);
}

void LogTurns::WatchAgain() {
  std::lock_guard lock(mutex_);
  if (threads_ > 0) return;
  again_->Stop();
  watch_->SetEvents(EPOLLIN);
}

bool LogTurns::StartThread() {
  try {
    std::thread([self = shared_from_this()] { self->Serve(); }).detach();
  } catch (const std::system_error& error) {
    LogWarn("logging.log_handler", "no thread for the logs: {}", error.what());
    return false;
  }
  ++threads_;
  return true;
}

void LogTurns::ToLoop(std::function<void()> fn) {
  std::lock_guard lock(loop_mutex_);
  if (!loop_) return;
  loop_->PostFromThread([alive = std::weak_ptr(alive_), fn = std::move(fn)] {
    if (!alive.expired()) fn();
  });
}

// --- the threads' part ---------------------------------------------------------------------------

void LogTurns::Serve() {
  auto between = MakePipe();
  std::unique_lock lock(mutex_);
  auto began = began_.emplace(began_.end(), 0);
  Deadline stay = In(kStay);
  while (!closing_) {
    Hear();
    Deadline now = Clock::now(), next = queue_.empty() ? kNever : queue_.begin()->first;
    if (!discarded_.empty() && in_turns_ <= 1 && (next > now || !watching_)) {
      CloseDiscarded(lock, *began);
      continue;
    }
    if (next <= now) {
      if (now - next > kLate && !CallHelp()) crowded_ = true;
      GiveTurns(lock, *queue_.begin()->second, between ? &*between : nullptr, *began);
      stay = In(kStay);
      continue;
    }
    if (in_turns_ > 0) stay = In(kStay);
    if (watching_) {
      if (next < watches_until_) Wake();
      if (!WaitForCall(lock)) break;
    } else if (queue_.empty() && stay <= now) {
      break;
    } else {
      WaitUntil(lock, std::min(next, stay));
    }
  }
  began_.erase(began);
  if (--threads_ > 0) return;
  left_.notify_all();
  ToLoop([this] { WatchAgain(); });
}

// Who has said something joins the queue. As long as it is there its pipe is not in the set, which would
// make every write slower.
void LogTurns::Hear() {
  epoll_event events[kBatch];
  int count = epoll_wait(silent_.get(), events, kBatch, 0);
  Deadline now = Clock::now();
  for (int i = 0; i < count; ++i) {
    auto* log = static_cast<Log*>(events[i].data.ptr);
    std::uint64_t ignored;
    if (log) {
      Withdraw(*log);
      Queue(*log, now);
    } else {
      [[maybe_unused]] auto taken = read(wake_.get(), &ignored, sizeof ignored);
    }
  }
}

// A guest that is busy keeps its thread as long as no other has to wait for one; from turn to turn nothing is
// locked then.
void LogTurns::GiveTurns(std::unique_lock<std::mutex>& lock, Log& log, const Pipe* between, Began& began) {
  auto keep = log.shared_from_this();
  Withdraw(log);
  log.place_ = Log::Place::kTurn;
  log.began_ = &began;
  ++in_turns_;
  bool stays = false;
  for (;;) {
    lock.unlock();
    LogPump::Next next;
    do {
      began.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
      next = log.pump_.TakeTurn(between, std::clamp(kInPipes / logs_, kLeastTurn, kLongestTurn));
    } while (stays && !log.wanted_ && !crowded_ && next.Soon() && WaitFor(log.pump_.pipe(), next));
    lock.lock();
    began = 0;
    stays = !log.wanted_ && next.Soon() && !stays && MayStay();
    if (!stays) return Dismiss(log, next);
  }
}

// Somebody has to watch for the others meanwhile.
bool LogTurns::MayStay() {
  if (closing_ || (!queue_.empty() && queue_.begin()->first <= Clock::now())) return false;
  return watching_ || CallHelp();
}

void LogTurns::Dismiss(Log& log, LogPump::Next next) {
  --in_turns_;
  crowded_ = closing_;
  log.ended_ = next.when == next.kNever;
  Note(log);
  if (next.when == next.kAfterPause && !log.wanted_) return Queue(log, In(next.wait));
  Listen(log);
  bool wanted = log.wanted_.exchange(false);
  if (wanted) Withdraw(log);
  if (log.ended_) --logs_;
  if (!log.ended_ && !wanted) return;
  // The last word about this log: who hears it may drop it at once.
  ToLoop([weak = log.weak_from_this(), ended = log.ended_, wanted] {
    auto log = weak.lock();
    if (log && ended) log->on_end_();
    if (log && wanted) log->yielded_.Set();
  });
}

// With several busy guests all processors have enough to do: freeing waits until they have less, but no more
// waits than a disk can spare. Besides the time that it takes itself, it costs the others theirs: memory that
// has not been touched for long is the next that they get, in place of that which is in the cache.
void LogTurns::Discard(Fd file) {
  struct stat info;
  struct statvfs disk;
  std::uint64_t size = fstat(file.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  std::uint64_t spare = fstatvfs(file.get(), &disk) == 0 ? disk.f_bavail * disk.f_frsize / kPartOfFree : 0;
  std::unique_lock lock(mutex_);
  if (in_turns_ > 1 && discarded_bytes_ + size > std::min(most_discarded_, spare)) {
    lock.unlock();
    return file.Reset();
  }
  discarded_.push_back({std::move(file), size});
  discarded_bytes_ += size;
  if (in_turns_ > 1) return;
  if (watching_) return Wake();
  if (threads_ < 2) CallHelp();
}

void LogTurns::CloseDiscarded(std::unique_lock<std::mutex>& lock, Began& began) {
  Discarded oldest = std::move(discarded_.front());
  discarded_.pop_front();
  began = Clock::now().time_since_epoch().count();
  lock.unlock();
  oldest.file.Reset();
  lock.lock();
  began = 0;
  discarded_bytes_ -= oldest.size;
}

bool LogTurns::FreeDiscarded() {
  std::unique_lock lock(mutex_);
  auto files = std::exchange(discarded_, {});
  for (const Discarded& file : files) discarded_bytes_ -= file.size;
  lock.unlock();
  return !files.empty();
}

bool LogTurns::IsLong(const Began& began, Clock::duration time) {
  return began != 0 && began < (Clock::now() - time).time_since_epoch().count();
}

int LogTurns::StuckThreads() const {
  return static_cast<int>(std::ranges::count_if(began_, [](const Began& began) { return IsLong(began, kStuck); }));
}

bool LogTurns::CallHelp() {
  if (spare_ == 0) return threads_ - StuckThreads() < kMostThreads && StartThread();
  call_.notify_one();
  return true;
}

// One thread is enough to watch.
bool LogTurns::WaitForCall(std::unique_lock<std::mutex>& lock) {
  ++spare_;
  bool called = call_.wait_for(lock, kStay) == std::cv_status::no_timeout;
  --spare_;
  return called;
}

void LogTurns::WaitUntil(std::unique_lock<std::mutex>& lock, Deadline until) {
  watching_ = true;
  watches_until_ = until;
  lock.unlock();
  WaitReadable(silent_.get(), until - Clock::now());
  lock.lock();
  watching_ = false;
}

// --- a log's place -------------------------------------------------------------------------------

void LogTurns::Note(Log& log) {
  log.glance_ = {log.pump_.pipe(), log.pump_.file().fd(), log.pump_.file().lost_bytes()};
}

void LogTurns::Listen(Log& log) {
  log.place_ = log.ended_ ? Log::Place::kEnded : Log::Place::kSilent;
  if (log.ended_) return;
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &log}};
  if (epoll_ctl(silent_.get(), EPOLL_CTL_ADD, log.pump_.pipe(), &event) == 0) return;
  // The system may refuse it to a user who watches very much: then we look now and then.
  Queue(log, In(kAgain));
  if (threads_ == 0) StartThread();
}

void LogTurns::Queue(Log& log, Deadline when) {
  log.place_ = Log::Place::kQueued;
  log.position_ = queue_.emplace(when, &log);
}

// Out of the queue and of the set; as it is after that, it is held.
void LogTurns::Withdraw(Log& log) {
  if (log.place_ == Log::Place::kQueued) queue_.erase(log.position_);
  if (log.place_ == Log::Place::kSilent) epoll_ctl(silent_.get(), EPOLL_CTL_DEL, log.pump_.pipe(), nullptr);
  log.place_ = Log::Place::kHeld;
  log.held_since_ = Clock::now();
}

void LogTurns::Wake() {
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = write(wake_.get(), &one, sizeof one);
}

}  // namespace bv::logd
