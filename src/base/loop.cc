#include "base/loop.h"

#include <glib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/turn.h"

namespace bv {

constinit thread_local LoopTurn loop_turn;

namespace {

thread_local Loop* current_loop = nullptr;

constexpr int kEventBatch = 128;
// Rounds of epoll_wait(0) within one dispatch, before GLib's other sources get their turn.
constexpr int kRounds = 16;

}  // namespace

struct Loop::Impl {
  // What this thread has used so far.
  struct Usage {
    std::chrono::microseconds cpu{0};
    long waits = 0;  // in the kernel

    static Usage Now() {
      rusage used{};
      getrusage(RUSAGE_THREAD, &used);
      auto us = [](timeval time) { return std::chrono::microseconds(time.tv_sec * 1000000 + time.tv_usec); };
      return {us(used.ru_utime) + us(used.ru_stime), used.ru_nvcsw};
    }
  };
  // What GLib allocates: its header first, then the way back to us.
  struct Source {
    GSource header;
    Impl* impl;
  };
  struct Slot {
    std::shared_ptr<FdWatch::Callback> callback;
    std::uint32_t generation = 0;
  };

  Impl();
  ~Impl();

  static gboolean Prepare(GSource* source, gint* timeout);
  static gboolean Check(GSource* source);
  static gboolean Dispatch(GSource* source, GSourceFunc, gpointer);

  void DispatchAll();
  bool RunReady();
  bool RunEvents();
  void RunTimers();
  void TakeFromThreads();
  template <typename F>
  void Measured(F&& f);
  void ReportStall(Clock::duration took);

  void Add(FdWatch* watch);
  void Modify(FdWatch* watch);
  void Remove(FdWatch* watch);
  void StartTimer(Timer* timer, Deadline when);
  void StopTimer(Timer* timer);

  GMainContext* context = nullptr;
  GMainLoop* main_loop = nullptr;
  Source* source = nullptr;
  Fd epoll;
  Fd wake;
  std::vector<Slot> slots;  // by descriptor
  std::deque<Callback> ready;
  std::multimap<Deadline, Timer*> timers;
  StallStats stalls;
  Usage at_dispatch;
  bool quit = false;

  std::mutex from_threads_mutex;
  std::vector<Callback> from_threads;
};

Loop::Impl::Impl() {
  epoll.Reset(epoll_create1(EPOLL_CLOEXEC));
  wake.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !wake) throw SystemError(ErrorDomain::kEvent, "cannot create the event loop");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint32_t>(wake.get())}};
  epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event);

  static GSourceFuncs funcs{.prepare = Prepare, .check = Check, .dispatch = Dispatch};
  context = g_main_context_new();
  main_loop = g_main_loop_new(context, FALSE);
  source = reinterpret_cast<Source*>(g_source_new(&funcs, sizeof(Source)));
  source->impl = this;
  // Without this GLib takes the descriptor off its poll set around every dispatch, and wakes itself
  // up for both changes. Dispatch is never entered twice: nobody runs this context from a callback.
  g_source_set_can_recurse(&source->header, TRUE);
  g_source_add_unix_fd(&source->header, epoll.get(), G_IO_IN);
  g_source_attach(&source->header, context);
}

Loop::Impl::~Impl() {
  ready.clear();
  for (auto& [when, timer] : timers) timer->running_ = false;
  g_source_destroy(&source->header);
  g_source_unref(&source->header);
  g_main_loop_unref(main_loop);
  g_main_context_unref(context);
}

gboolean Loop::Impl::Prepare(GSource* base, gint* timeout) {
  Impl* impl = reinterpret_cast<Source*>(base)->impl;
  *timeout = -1;
  if (!impl->ready.empty()) return TRUE;
  if (impl->timers.empty()) return FALSE;
  auto left = impl->timers.begin()->first - Clock::now();
  if (left <= Clock::duration::zero()) return TRUE;
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  *timeout = static_cast<gint>(std::min<std::int64_t>(ms, 24 * 3600 * 1000));
  return FALSE;
}

gboolean Loop::Impl::Check(GSource*) {
  // Cheaper to look (epoll_wait with no wait) than to ask GLib what it saw.
  return TRUE;
}

gboolean Loop::Impl::Dispatch(GSource* base, GSourceFunc, gpointer) {
  reinterpret_cast<Source*>(base)->impl->DispatchAll();
  return G_SOURCE_CONTINUE;
}

void Loop::Impl::DispatchAll() {
  at_dispatch = Usage::Now();
  for (int round = 0; round < kRounds; ++round) {
    bool worked = RunEvents();
    RunTimers();
    worked |= RunReady();
    if (!worked || quit) return;
  }
}

template <typename F>
void Loop::Impl::Measured(F&& f) {
  loop_turn = {"", Clock::now()};
  f();
  auto took = Clock::now() - loop_turn.begin;
  if (took > kStallLimit) ReportStall(took);
}

// The loop's own use of the processor since the dispatch began tells work and waiting in the kernel from
// a machine that was busy with others.
void Loop::Impl::ReportStall(Clock::duration took) {
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(took);
  ++stalls.count;
  if (us > stalls.worst) {
    stalls.worst = us;
    stalls.worst_name = loop_turn.name;
  }
  Usage now = Usage::Now();
  LogWarn("event", "the loop was kept for {} us by '{}' ({} us of it at work, {} waits)", us.count(), loop_turn.name,
          std::min(us, now.cpu - at_dispatch.cpu).count(), now.waits - at_dispatch.waits);
  at_dispatch = now;
}

bool Loop::Impl::RunReady() {
  // Only what is queued now: what it queues in turn waits for the next round.
  std::size_t count = ready.size();
  for (std::size_t i = 0; i < count && !ready.empty(); ++i) {
    Callback next = std::move(ready.front());
    ready.pop_front();
    Measured(next);
  }
  return count > 0;
}

bool Loop::Impl::RunEvents() {
  epoll_event events[kEventBatch];
  int count = epoll_wait(epoll.get(), events, kEventBatch, 0);
  for (int i = 0; i < count; ++i) {
    auto fd = static_cast<std::uint32_t>(events[i].data.u64);
    auto generation = static_cast<std::uint32_t>(events[i].data.u64 >> 32);
    if (static_cast<int>(fd) == wake.get()) {
      TakeFromThreads();
      continue;
    }
    // An earlier callback of this batch may have removed this watch, or put another in its place.
    if (fd >= slots.size() || slots[fd].generation != generation || !slots[fd].callback) continue;
    auto callback = slots[fd].callback;
    Measured([&] { (*callback)(events[i].events); });
  }
  return count > 0;
}

void Loop::Impl::RunTimers() {
  if (timers.empty()) return;
  auto now = Clock::now();
  while (!timers.empty() && timers.begin()->first <= now) {
    Timer* timer = timers.begin()->second;
    StopTimer(timer);
    auto on_expiry = timer->on_expiry_;  // a copy: the callback may destroy its timer
    Measured([&] { on_expiry(); });
  }
}

void Loop::Impl::TakeFromThreads() {
  std::uint64_t count;
  while (read(wake.get(), &count, sizeof count) > 0) {
  }
  std::lock_guard lock(from_threads_mutex);
  for (auto& fn : from_threads) ready.emplace_back(std::move(fn));
  from_threads.clear();
}

void Loop::Impl::Add(FdWatch* watch) {
  if (watch->fd_ < 0) throw SystemError(ErrorDomain::kEvent, EBADF, "cannot watch a descriptor");
  auto fd = static_cast<std::size_t>(watch->fd_);
  if (fd >= slots.size()) slots.resize(fd + 64);
  Slot& slot = slots[fd];
  ++slot.generation;
  slot.callback = watch->on_events_;
  epoll_event event{.events = watch->events_,
                    .data = {.u64 = fd | static_cast<std::uint64_t>(slot.generation) << 32}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, watch->fd_, &event) < 0) {
    slot.callback = nullptr;
    throw SystemError(ErrorDomain::kEvent, "cannot watch a descriptor");
  }
}

void Loop::Impl::Modify(FdWatch* watch) {
  auto fd = static_cast<std::size_t>(watch->fd_);
  epoll_event event{.events = watch->events_,
                    .data = {.u64 = fd | static_cast<std::uint64_t>(slots[fd].generation) << 32}};
  epoll_ctl(epoll.get(), EPOLL_CTL_MOD, watch->fd_, &event);
}

void Loop::Impl::Remove(FdWatch* watch) {
  epoll_ctl(epoll.get(), EPOLL_CTL_DEL, watch->fd_, nullptr);
  slots[static_cast<std::size_t>(watch->fd_)].callback = nullptr;
}

void Loop::Impl::StartTimer(Timer* timer, Deadline when) {
  StopTimer(timer);
  timer->position_ = timers.emplace(when, timer);
  timer->running_ = true;
}

void Loop::Impl::StopTimer(Timer* timer) {
  if (!timer->running_) return;
  timers.erase(timer->position_);
  timer->running_ = false;
}

Loop::Loop() : impl_(std::make_unique<Impl>()) { current_loop = this; }
Loop::~Loop() {
  impl_.reset();
  if (current_loop == this) current_loop = nullptr;
}

Loop& Loop::Current() { return *current_loop; }

void Loop::Run() {
  if (!impl_->quit) g_main_loop_run(impl_->main_loop);
  impl_->quit = false;
}

void Loop::Quit() {
  impl_->quit = true;
  g_main_loop_quit(impl_->main_loop);
}

void Loop::PostResume(std::coroutine_handle<> handle) { impl_->ready.emplace_back(handle); }
void Loop::Post(Callback fn) { impl_->ready.emplace_back(std::move(fn)); }

void Loop::PostFromThread(Callback fn) {
  {
    std::lock_guard lock(impl_->from_threads_mutex);
    impl_->from_threads.push_back(std::move(fn));
  }
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = write(impl_->wake.get(), &one, sizeof one);
}

const Loop::StallStats& Loop::stalls() const { return impl_->stalls; }
void Loop::set_running_name(const char* name) { loop_turn.name = name; }

FdWatch::FdWatch(int fd, std::uint32_t events, Callback on_events)
    : fd_(fd), events_(events), on_events_(std::make_shared<Callback>(std::move(on_events))) {
  Loop::Current().impl().Add(this);
}

FdWatch::~FdWatch() {
  if (current_loop) current_loop->impl().Remove(this);
}

void FdWatch::SetEvents(std::uint32_t events) {
  if (events == events_) return;
  events_ = events;
  Loop::Current().impl().Modify(this);
}

void Timer::Start(Deadline when) { Loop::Current().impl().StartTimer(this, when); }
void Timer::Stop() {
  if (running_) Loop::Current().impl().StopTimer(this);
}

}  // namespace bv
