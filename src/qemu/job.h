#pragma once

#include <chrono>
#include <cstdint>
#include <list>

#include "base/task.h"
#include "base/wait.h"

namespace bv::qemu {

// What a call is about to do with a domain (libvirt's job kinds; the names show in errors).
enum class Job { kNone, kQuery, kDestroy, kSuspend, kModify, kAbort, kMigrationOp };
// Long operations, which go on while other calls come and go.
enum class AsyncJob { kNone, kMigrationOut, kMigrationIn, kSave, kDump, kSnapshot, kStart, kBackup };

const char* JobName(Job job);
const char* AsyncJobName(AsyncJob job);

// Who may do what to one domain at a time. One changing job runs at once; queries run alongside,
// since the monitor answers them in order anyway. While a long job runs, only the jobs in its mask
// are admitted. Waiting for a turn is limited to kWaitLimit. All of it on the loop thread.
class JobQueue {
 public:
  static constexpr std::chrono::seconds kWaitLimit{30};

  static constexpr std::uint32_t Mask(Job job) { return 1u << static_cast<int>(job); }
  static constexpr std::uint32_t kDefaultMask =
      1u << static_cast<int>(Job::kQuery) | 1u << static_cast<int>(Job::kDestroy) | 1u << static_cast<int>(Job::kAbort);

  // A turn that was won; gives it up when destroyed. The queue must outlive it.
  class [[nodiscard]] Turn {
   public:
    Turn() = default;
    Turn(JobQueue* queue, bool async) : queue_(queue), async_(async) {}
    Turn(Turn&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)), async_(other.async_) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(queue_, other.queue_);
      std::swap(async_, other.async_);
      return *this;
    }
    ~Turn() { Release(); }
    void Release();

   private:
    JobQueue* queue_ = nullptr;
    bool async_ = false;
  };

  // `api` names the call in the error that others get while this one holds the turn; static
  // lifetime. Throws kOperationTimeout when the wait took longer than `limit`, kOperationFailed
  // when more than max_queued wait already.
  Task<Turn> Begin(Job job, const char* api, Clock::duration limit = kWaitLimit);
  // `operation` is libvirt's virDomainJobOperation, kept for job info.
  Task<Turn> BeginAsync(AsyncJob job, int operation, const char* api, std::uint32_t mask = kDefaultMask);

  // Changes which jobs are let in while the long job that runs now goes on.
  void SetAsyncMask(std::uint32_t mask);

  Job active() const { return active_; }
  AsyncJob async() const { return async_; }
  int async_operation() const { return async_operation_; }
  Clock::time_point async_started() const { return async_started_; }
  Clock::time_point active_started() const { return active_started_; }

  // 0 is no limit (qemu.conf's max_queued).
  void set_max_queued(unsigned max) { max_queued_ = max; }

 private:
  bool Admits(Job job) const;
  bool AdmitsAsync() const;
  void Wake();
  template <typename Admitted>
  Task<> WaitFor(Admitted admitted, Job job, AsyncJob async, Clock::duration limit);

  Job active_ = Job::kNone;
  const char* active_api_ = "";
  Clock::time_point active_started_;
  AsyncJob async_ = AsyncJob::kNone;
  const char* async_api_ = "";
  int async_operation_ = 0;
  std::uint32_t async_mask_ = 0;
  Clock::time_point async_started_;
  std::list<Event*> waiting_;
  unsigned max_queued_ = 0;
};

}  // namespace bv::qemu
