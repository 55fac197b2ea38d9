#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "model/domain/disk.h"
#include "qemu/guests.h"

namespace bv::qemu {

// virDomainBlockJobType
enum class BlockJobType { kUnknown, kPull, kCopy, kCommit, kActiveCommit, kBackup };
// virConnectDomainEventBlockJobStatus
enum class BlockJobStatus { kCompleted, kFailed, kCanceled, kReady };

// A job over a disk's images in a running QEMU.
struct DiskJob : BlockJob {
  std::string id;       // QEMU's name of it
  std::string status;   // as QEMU last reported it
  bool ready = false;
  bool pivoting = false, aborting = false;
  bool remove = false;   // files that it makes superfluous
  bool awaited = false;  // a call ends it, or else its end is dealt with when it comes
  Event changed;
  // Images by number, where the job is about some: what is written into, and from where on images go.
  unsigned base = 0, top = 0;
  bool taken_over = false;  // by a daemon that does not know the base
  std::unique_ptr<model::StorageSource> target;  // of a copy
  std::function<Task<>(std::shared_ptr<DiskJob>, std::string error)> on_end;  // a backup's

  BlockJobType kind() const { return static_cast<BlockJobType>(type); }
};
using DiskJobPtr = std::shared_ptr<DiskJob>;

// Block jobs of running guests. Callers hold a modifying turn of the domain's jobs.
class BlockJobs {
 public:
  BlockJobs(std::shared_ptr<const QemuConfig> config, Guests* guests, DomainEvents* events,
            std::function<Task<>(DomainPtr)> save_config)
      : config_(std::move(config)), guests_(guests), events_(events), save_config_(std::move(save_config)) {}

  // Null when the disk has none.
  static DiskJobPtr Find(const Domain& domain, const std::string& disk);

  struct Limits {
    std::uint64_t bytes_per_second = 0;  // 0: none
    bool relative = false;               // names of images in images stay relative
    bool remove = false;                 // the files of images that are not needed any more
  };
  struct CopyOptions : Limits {
    std::uint32_t granularity = 0;       // bytes that are kept track of as one; 0: QEMU's choice
    std::uint64_t buffer_bytes = 0;
    bool shallow = false;                // only the top image; what is below stays below
    bool synchronous = false;            // the guest's writes go to both and are done then
  };
  // What is above `base` (0: all) comes into the top image.
  Task<DiskJobPtr> Pull(DomainPtr domain, std::string disk, unsigned base, Limits limits);
  // What is in the images from `top` down to above `base` goes into `base`. With `top` the disk's own image it
  // stays in step until it is ended.
  Task<DiskJobPtr> Commit(DomainPtr domain, std::string disk, unsigned base, unsigned top, Limits limits);

  // All of the disk goes into `target`, which is a node already, and stays in step until the job is ended.
  Task<DiskJobPtr> Copy(DomainPtr domain, std::string disk, const model::StorageSource& target, CopyOptions options);

  // A ready job ends with the disk on the other image. kBlockCopyActive while it is not ready.
  Task<> Pivot(DomainPtr domain, DiskJobPtr job, bool wait);
  Task<> Abort(DomainPtr domain, DiskJobPtr job, bool wait);
  // Until it is ready, or has ended. The first only.
  Task<> AwaitReady(DomainPtr domain, DiskJobPtr job);
  // Until it has ended; throws what it failed with.
  Task<> AwaitEnd(DomainPtr domain, DiskJobPtr job);

  // Takes over the jobs that an earlier daemon began in a guest that has just been found.
  Task<> Reattach(DomainPtr domain);

  void OnStatus(const DomainPtr& domain, const std::string& id, const std::string& status);

 private:
  Task<DiskJobPtr> Begin(DomainPtr domain, DiskJobPtr job, const char* command, Json arguments);
  Task<> EndLater(DomainPtr domain, DiskJobPtr job);
  Task<std::string> End(DomainPtr domain, DiskJobPtr job);
  // What a job that was taken over went down to, seen by what is there when it has ended.
  Task<unsigned> FindBase(DomainPtr domain, DiskJobPtr job);
  Task<> Detach(DomainPtr domain, model::Disk& disk, std::unique_ptr<model::StorageSource> images);
  void Tell(const DomainPtr& domain, const DiskJob& job, BlockJobStatus status);

  std::shared_ptr<const QemuConfig> config_;
  Guests* guests_;
  DomainEvents* events_;
  std::function<Task<>(DomainPtr)> save_config_;
};

// An image of the chain by number; null when it is not there.
model::StorageSource* FindImage(model::Disk& disk, unsigned number);
// The link that holds it: the disk's own source is held by none.
model::StorageSource* ImageAbove(model::Disk& disk, unsigned number);
// All of an image but what is below it.
std::unique_ptr<model::StorageSource> CopyImage(const model::StorageSource& image);
std::unique_ptr<model::StorageSource> CopyChain(const model::StorageSource& top, bool with_numbers);
bool SameImage(const model::StorageSource& one, const model::StorageSource& other);

}  // namespace bv::qemu
