#include "qemu/block_job_calls.h"

#include <fmt/core.h>

#include <charconv>
#include <limits>

#include "base/error.h"
#include "base/verbatim_error.h"
#include "qemu/command_line/storage.h"
#include "qemu/disk_names.h"
#include "qemu/driver.h"

namespace bv::qemu {
namespace {

using model::StorageSource;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr auto kMostBandwidth = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

model::Disk& DiskOf(const Domain& domain, const std::string& name) {
  auto* disk = FindDisk(domain.def(), name);
  if (!disk) Fail(ErrorCode::kInvalidArg, "disk '{}' not found in domain", name);
  return *disk;
}

DiskJobPtr JobOf(const Domain& domain, const std::string& name) {
  auto& disk = DiskOf(domain, name);
  auto job = BlockJobs::Find(domain, disk.dst);
  if (!job) Fail(ErrorCode::kInvalidArg, "disk {} does not have an active block job", disk.dst);
  return job;
}

std::uint64_t Bandwidth(std::uint64_t bandwidth, bool bytes) {
  if (bytes) return bandwidth;
  if (bandwidth > kMostBandwidth / kMiB) throw Error(ErrorDomain::kQemu, ErrorCode::kOverflow, fmt::format("bandwidth must be less than {}", kMostBandwidth / kMiB));
  return bandwidth * kMiB;
}

// "vda[3]": image 3 of a disk.
std::optional<unsigned> ImageNumber(const std::string& name, const std::string& disk) {
  if (!name.starts_with(disk + "[") || !name.ends_with("]")) return std::nullopt;
  auto first = name.data() + disk.size() + 1, last = name.data() + name.size() - 1;
  unsigned number = 0;
  auto [end, error] = std::from_chars(first, last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

// An image from `start` on downwards, as a client names it.
StorageSource& ImageNamed(model::Disk& disk, StorageSource* start, const std::string& name) {
  auto number = ImageNumber(name, disk.dst);
  for (auto* image = start; image && !image->IsTerminator(); image = image->backing.get()) {
    if (number ? image->id == *number : image->path == name) return *image;
    // By the name that the image above has for it.
    if (!number && !name.starts_with('/') && image->path.ends_with("/" + name)) return *image;
  }
  throw Error(ErrorDomain::kStorage, ErrorCode::kInvalidArg, fmt::format("could not find image '{}' in chain for '{}'", name, disk.source.path));
}

StorageSource* Below(StorageSource& image) {
  return image.backing && !image.backing->IsTerminator() ? image.backing.get() : nullptr;
}

}  // namespace

// A disk has one job at a time.
model::Disk& BlockJobCalls::IdleDisk(const Domain& domain, const std::string& name) {
  auto& disk = DiskOf(domain, name);
  if (disk.mirror) Fail(ErrorCode::kBlockCopyActive, "disk '{}' already in active block job", disk.dst);
  if (BlockJobs::Find(domain, disk.dst)) Fail(ErrorCode::kOperationUnsupported, "disk '{}' already in active block job", disk.dst);
  return disk;
}

void BlockJobCalls::Register(Service& service) {
  namespace proc = remote::proc;
  service.On<proc::DomainBlockJobAbort>(this, &BlockJobCalls::DomainBlockJobAbort);
  service.On<proc::DomainGetBlockJobInfo>(this, &BlockJobCalls::DomainGetBlockJobInfo);
  service.On<proc::DomainBlockJobSetSpeed>(this, &BlockJobCalls::DomainBlockJobSetSpeed);
  service.On<proc::DomainBlockPull>(this, &BlockJobCalls::DomainBlockPull);
  service.On<proc::DomainBlockRebase>(this, &BlockJobCalls::DomainBlockRebase);
  service.On<proc::DomainBlockCommit>(this, &BlockJobCalls::DomainBlockCommit);
  service.On<proc::DomainBlockCopy>(this, &BlockJobCalls::DomainBlockCopy);
}

Task<> BlockJobCalls::PullTo(remote::NonnullDomain dom, std::string path, std::optional<std::string> base, std::uint64_t bandwidth,
                             bool bytes, bool relative) {
  auto domain = co_await driver_->Get(dom);
  if (relative && !base) Fail(ErrorCode::kInvalidArg, "flag VIR_DOMAIN_BLOCK_REBASE_RELATIVE is valid only with non-null base");
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainBlockPull");
  RequireActive(*domain);
  auto& disk = IdleDisk(*domain, path);
  if (disk.source.IsEmpty()) Fail(ErrorCode::kInvalidArg, "disk '{}' does not currently have a source assigned", disk.dst);
  BlockJobs::Limits limits;
  limits.bytes_per_second = Bandwidth(bandwidth, bytes);
  limits.relative = relative;
  unsigned base_number = base ? ImageNamed(disk, Below(disk.source), *base).id : 0;
  auto target = disk.dst;
  co_await driver_->block_jobs_->Pull(domain, target, base_number, limits);
}

Task<> BlockJobCalls::DomainBlockPull(Call&, remote::DomainBlockPullArgs args) {
  constexpr unsigned kBytes = 64;
  CheckFlags(args.flags, kBytes, "qemuDomainBlockPull");
  co_await PullTo(args.dom, args.path, std::nullopt, args.bandwidth, args.flags & kBytes, false);
}

Task<> BlockJobCalls::DomainBlockRebase(Call&, remote::DomainBlockRebaseArgs args) {
  enum : unsigned { kShallow = 1, kReuse = 2, kRaw = 4, kCopy = 8, kRelative = 16, kDevice = 32, kBytes = 64, kAll = 127 };
  CheckFlags(args.flags, kAll, "qemuDomainBlockRebase");
  if (args.flags & kCopy) {
    // How copies were asked for before there was a call for it.
    StorageSource target;
    target.type = args.flags & kDevice ? model::StorageType::kBlock : model::StorageType::kFile;
    target.format = args.flags & kRaw ? model::StorageFormat::kRaw : model::StorageFormat::kNone;
    target.path = args.base.value_or("");
    BlockJobs::CopyOptions options;
    options.bytes_per_second = Bandwidth(args.bandwidth, args.flags & kBytes);
    co_await CopyTo(args.dom, args.path, std::move(target), options, args.flags & (kShallow | kReuse));
    co_return;
  }
  if (unsigned others = args.flags & ~(kRelative | kBytes))
    throw VerbatimError(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("unsupported flags (0x{:x}) in function qemuDomainBlockPullCommon", others));
  co_await PullTo(args.dom, args.path, args.base, args.bandwidth, args.flags & kBytes, args.flags & kRelative);
}

Task<> BlockJobCalls::DomainBlockCommit(Call&, remote::DomainBlockCommitArgs args) {
  enum : unsigned { kShallow = 1, kDelete = 2, kActive = 4, kRelative = 8, kBytes = 16 };
  CheckFlags(args.flags, kShallow | kDelete | kActive | kRelative | kBytes, "qemuDomainBlockCommit");
  auto domain = co_await driver_->Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainBlockCommit");
  RequireActive(*domain);
  BlockJobs::Limits limits;
  limits.bytes_per_second = Bandwidth(args.bandwidth, args.flags & kBytes);
  limits.relative = args.flags & kRelative;
  limits.remove = args.flags & kDelete;
  auto& disk = DiskOf(*domain, args.disk);
  if (disk.source.IsEmpty()) Fail(ErrorCode::kInvalidArg, "disk {} has no source file to be committed", disk.dst);
  IdleDisk(*domain, args.disk);
  bool whole = !args.top || *args.top == disk.dst;
  auto& top = whole ? disk.source : ImageNamed(disk, &disk.source, *args.top);
  bool active = &top == &disk.source;
  if (active && !(args.flags & kActive)) Fail(ErrorCode::kInvalidArg, "commit of '{}' active layer requires active flag", disk.dst);
  if (!active && (args.flags & kActive)) Fail(ErrorCode::kInvalidArg, "active commit requested but '{}' is not active", top.path);
  auto* below = Below(top);
  if (!below) Fail(ErrorCode::kInvalidArg, "top '{}' in chain for '{}' has no backing file", top.path, args.disk);
  auto* base = below;
  if (args.base) {
    base = &ImageNamed(disk, below, *args.base);
  } else if (!(args.flags & kShallow)) {
    while (auto* deeper = Below(*base)) base = deeper;
  }
  if ((args.flags & kShallow) && base != below)
    Fail(ErrorCode::kInvalidArg, "base '{}' is not immediately below '{}' in chain for '{}'", base->path, top.path, args.disk);
  auto target = disk.dst;
  unsigned base_number = base->id, top_number = top.id;
  co_await driver_->block_jobs_->Commit(domain, target, base_number, top_number, limits);
}

Task<> BlockJobCalls::DomainBlockJobAbort(Call&, remote::DomainBlockJobAbortArgs args) {
  enum : unsigned { kAsync = 1, kPivot = 2 };
  CheckFlags(args.flags, kAsync | kPivot, "qemuDomainBlockJobAbort");
  auto domain = co_await driver_->Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainBlockJobAbort");
  RequireActive(*domain);
  auto job = JobOf(*domain, args.path);
  bool wait = !(args.flags & kAsync);
  if (job->pivoting || job->aborting) Fail(ErrorCode::kOperationInvalid, "block job on disk '{}' is still being ended", job->disk);
  if (!(args.flags & kPivot)) {
    co_await driver_->block_jobs_->Abort(domain, job, wait);
    co_return;
  }
  bool has_other_image = job->kind() == BlockJobType::kCopy || job->kind() == BlockJobType::kActiveCommit;
  if (!has_other_image) Fail(ErrorCode::kOperationInvalid, "job type of disk '{}' does not support pivot", job->disk);
  co_await driver_->block_jobs_->Pivot(domain, job, wait);
}

Task<remote::DomainGetBlockJobInfoRet> BlockJobCalls::DomainGetBlockJobInfo(Call&, remote::DomainGetBlockJobInfoArgs args) {
  constexpr unsigned kBytes = 1;
  CheckFlags(args.flags, kBytes, "qemuDomainGetBlockJobInfo");
  auto domain = co_await driver_->Get(args.dom);
  RequireActive(*domain);
  auto& disk = DiskOf(*domain, args.path);
  remote::DomainGetBlockJobInfoRet ret;
  auto job = BlockJobs::Find(*domain, disk.dst);
  if (!job) co_return ret;
  auto jobs = co_await driver_->guests_->MonitorOf(domain).Execute("query-block-jobs");
  for (auto& entry : jobs.elements()) {
    if (entry["device"].AsString() != job->id) continue;
    ret.found = 1;
    ret.type = job->type;
    ret.cur = entry["offset"].AsUint().value_or(0);
    ret.end = entry["len"].AsUint().value_or(0);
    // It is not over before it says so.
    if (ret.cur == ret.end && ret.cur > 0 && !job->ready) --ret.cur;
    auto speed = entry["speed"].AsUint().value_or(0);
    ret.bandwidth = args.flags & kBytes ? speed : (speed + kMiB - 1) / kMiB;
  }
  co_return ret;
}

Task<> BlockJobCalls::DomainBlockJobSetSpeed(Call&, remote::DomainBlockJobSetSpeedArgs args) {
  constexpr unsigned kBytes = 1;
  CheckFlags(args.flags, kBytes, "qemuDomainBlockJobSetSpeed");
  auto speed = Bandwidth(args.bandwidth, args.flags & kBytes);
  auto domain = co_await driver_->Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainBlockJobSetSpeed");
  RequireActive(*domain);
  auto job = JobOf(*domain, args.path);
  auto arguments = Json::Object({{"device", job->id}, {"speed", speed}});
  co_await driver_->guests_->MonitorOf(domain).Execute("block-job-set-speed", arguments);
}

}  // namespace bv::qemu
