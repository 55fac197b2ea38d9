#include "qemu/job.h"

#include <fmt/core.h>

#include "base/error.h"

namespace bv::qemu {

const char* JobName(Job job) {
  switch (job) {
    case Job::kNone: return "none";
    case Job::kQuery: return "query";
    case Job::kDestroy: return "destroy";
    case Job::kSuspend: return "suspend";
    case Job::kModify: return "modify";
    case Job::kAbort: return "abort";
    case Job::kMigrationOp: return "migration operation";
  }
  return "none";
}

const char* AsyncJobName(AsyncJob job) {
  switch (job) {
    case AsyncJob::kNone: return "none";
    case AsyncJob::kMigrationOut: return "migration out";
    case AsyncJob::kMigrationIn: return "migration in";
    case AsyncJob::kSave: return "save";
    case AsyncJob::kDump: return "dump";
    case AsyncJob::kSnapshot: return "snapshot";
    case AsyncJob::kStart: return "start";
    case AsyncJob::kBackup: return "backup";
  }
  return "none";
}

void JobQueue::Turn::Release() {
  if (!queue_) return;
  auto* queue = std::exchange(queue_, nullptr);
  if (async_) {
    queue->async_ = AsyncJob::kNone;
    queue->async_operation_ = 0;
  } else {
    queue->active_ = Job::kNone;
  }
  queue->Wake();
}

bool JobQueue::Admits(Job job) const {
  return active_ == Job::kNone && (async_ == AsyncJob::kNone || (async_mask_ & Mask(job)));
}

bool JobQueue::AdmitsAsync() const { return active_ == Job::kNone && async_ == AsyncJob::kNone; }

// Everybody looks again: the first in line that is admitted takes the turn before the next looks.
void JobQueue::Wake() {
  for (auto* event : waiting_) event->Set();
}

void JobQueue::SetAsyncMask(std::uint32_t mask) {
  async_mask_ = mask;
  Wake();
}

template <typename Admitted>
Task<> JobQueue::WaitFor(Admitted admitted, Job job, AsyncJob async, Clock::duration limit) {
  if (max_queued_ && waiting_.size() >= max_queued_)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed,
                "cannot acquire state change lock due to max_queued limit");
  Deadline deadline = In(limit);
  Event turn;
  struct Place {
    std::list<Event*>& list;
    std::list<Event*>::iterator position;
    ~Place() { list.erase(position); }
  } place{waiting_, waiting_.insert(waiting_.end(), &turn)};
  while (!admitted()) {
    turn.Reset();
    if (co_await turn.Wait(deadline)) continue;
    if (admitted()) break;
    bool wants_long = async != AsyncJob::kNone;
    bool long_blocks = async_ != AsyncJob::kNone && (wants_long || !(async_mask_ & Mask(job)));
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationTimeout,
                fmt::format("cannot acquire state change lock (held by monitor={})",
                            long_blocks ? async_api_ : active_api_));
  }
}

Task<JobQueue::Turn> JobQueue::Begin(Job job, const char* api, Clock::duration limit) {
  // Queries take no turn; Turn() without a queue is the empty one.
  if (job == Job::kQuery) co_return Turn();
  if (!Admits(job)) co_await WaitFor([this, job] { return Admits(job); }, job, AsyncJob::kNone, limit);
  active_ = job;
  active_api_ = api;
  active_started_ = Clock::now();
  co_return Turn(this, false);
}

Task<JobQueue::Turn> JobQueue::BeginAsync(AsyncJob job, int operation, const char* api, std::uint32_t mask) {
  if (!AdmitsAsync()) co_await WaitFor([this] { return AdmitsAsync(); }, Job::kNone, job, kWaitLimit);
  async_ = job;
  async_operation_ = operation;
  async_api_ = api;
  async_mask_ = mask;
  async_started_ = Clock::now();
  co_return Turn(this, true);
}

}  // namespace bv::qemu
