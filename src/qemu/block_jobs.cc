#include "qemu/block_jobs.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "model/domain/device_xml.h"
#include "model/domain/domain.h"
#include "qemu/block_nodes.h"
#include "qemu/command_line/storage.h"
#include "qemu/disk_names.h"
#include "qemu/ownership.h"
#include "qemu/plug_steps.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;
using model::StorageSource;
constexpr const char* kSource = "qemu.qemu_blockjob";
// How long a wait goes on before it looks whether the guest is still there.
constexpr auto kLook = 1s;

[[noreturn]] void NotRunning() { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running"); }

Json NewJob(const DiskJob& job, const std::string& node, BlockJobs::Limits limits) {
  auto arguments = Json::Object({{"job-id", job.id}, {"device", node}, {"auto-finalize", true}, {"auto-dismiss", false}});
  if (limits.bytes_per_second) arguments.Set("speed", limits.bytes_per_second);
  return arguments;
}

bool IsLocal(const StorageSource& image) { return image.type == model::StorageType::kFile || image.type == model::StorageType::kBlock; }

// How an image names the one below it.
std::string NameOfBelow(const StorageSource& image, const StorageSource& below, bool relative) {
  if (!relative || image.path.empty() || below.path.empty()) return below.path;
  auto directory = [](const std::string& path) { return path.substr(0, path.rfind('/') + 1); };
  auto place = directory(image.path);
  return below.path.starts_with(place) ? below.path.substr(place.size()) : below.path;
}

// Whether a disk's copy has only the top image, over what is below the original.
bool SharesBelow(const model::Disk& disk) { return !disk.mirror->source.backing; }

std::unique_ptr<StorageSource> Terminator() { return std::make_unique<StorageSource>(); }

// The link in `chain` that holds image `number` is taken apart there; what it held is handed out.
std::unique_ptr<StorageSource> CutAt(StorageSource& chain, unsigned number) {
  for (auto* image = &chain; image; image = image->backing.get()) {
    if (image->backing && image->backing->id == number) return std::move(image->backing);
  }
  return nullptr;
}

std::shared_ptr<DiskJob> Cast(const std::shared_ptr<BlockJob>& job) { return std::static_pointer_cast<DiskJob>(job); }

}  // namespace

StorageSource* FindImage(model::Disk& disk, unsigned number) {
  for (auto* image = &disk.source; image && !image->IsTerminator(); image = image->backing.get()) {
    if (image->id == number) return image;
  }
  return nullptr;
}

StorageSource* ImageAbove(model::Disk& disk, unsigned number) {
  for (auto* image = &disk.source; image; image = image->backing.get()) {
    if (image->backing && image->backing->id == number) return image;
  }
  return nullptr;
}

bool SameImage(const StorageSource& one, const StorageSource& other) {
  return one.type == other.type && one.path == other.path && one.protocol == other.protocol;
}

std::unique_ptr<StorageSource> CopyImage(const StorageSource& image) {
  // The language knows all of a source: a copy is what is read of what is written.
  model::DomainDef def;
  auto disk = std::make_unique<model::Disk>();
  disk->dst = "vda";
  disk->bus = model::DiskBus::kVirtio;
  auto& whole = const_cast<StorageSource&>(image);
  auto below = std::move(whole.backing);
  disk->source = std::move(whole);
  def.disks.push_back(std::move(disk));
  auto text = model::FormatDevices(def, model::kFormatStatus | model::kFormatSecure);
  whole = std::move(def.disks[0]->source);
  whole.backing = std::move(below);
  model::DomainDef copy;
  model::ParseDevice(text, model::kParseStatus | model::kParseSkipChecks, copy);
  auto source = std::make_unique<StorageSource>(std::move(copy.disks.at(0)->source));
  source->backing.reset();
  source->readonly = image.readonly;
  source->id = image.id;
  return source;
}

std::unique_ptr<StorageSource> CopyChain(const StorageSource& top, bool with_numbers) {
  auto copy = CopyImage(top);
  if (!with_numbers) copy->id = 0;
  auto* last = copy.get();
  for (auto* image = top.backing.get(); image; image = image->backing.get()) {
    if (image->IsTerminator()) {
      if (with_numbers) last->backing = Terminator();
      break;
    }
    last->backing = CopyImage(*image);
    last = last->backing.get();
    if (!with_numbers) last->id = 0;
  }
  return copy;
}

DiskJobPtr BlockJobs::Find(const Domain& domain, const std::string& disk) {
  if (!domain.guest) return nullptr;
  for (auto& [id, job] : domain.guest->block_jobs) {
    if (job->disk == disk) return Cast(job);
  }
  return nullptr;
}

void BlockJobs::Tell(const DomainPtr& domain, const DiskJob& job, BlockJobStatus status) {
  auto* disk = qemu::FindDisk(domain->def(), job.disk);
  events_->SendBlockJob(domain->Ref(), disk ? disk->source.path : std::string(), job.disk, job.type, static_cast<int>(status));
}

// --- beginning -----------------------------------------------------------------------------------------

Task<DiskJobPtr> BlockJobs::Begin(DomainPtr domain, DiskJobPtr job, const char* command, Json arguments) {
  auto* guest = domain->guest.get();
  guest->block_jobs[job->id] = job;
  std::exception_ptr failure;
  try {
    co_await guests_->MonitorOf(domain).Execute(command, arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  if (domain->guest.get() != guest) NotRunning();
  if (failure) {
    guest->block_jobs.erase(job->id);
    std::rethrow_exception(failure);
  }
  guests_->SaveStatus(domain);
  co_return job;
}

Task<DiskJobPtr> BlockJobs::Pull(DomainPtr domain, std::string disk_name, unsigned base, Limits limits) {
  auto& disk = *qemu::FindDisk(domain->def(), disk_name);
  auto job = std::make_shared<DiskJob>();
  job->disk = disk.dst;
  job->type = static_cast<int>(BlockJobType::kPull);
  job->base = base;
  auto node = NamesOf(disk.source).format;
  job->id = fmt::format("pull-{}-{}", disk.dst, node);
  auto arguments = NewJob(*job, node, limits);
  if (auto* below = base ? FindImage(disk, base) : nullptr) {
    arguments.Set("base-node", NamesOf(*below).format);
    if (IsLocal(*below)) arguments.Set("backing-file", NameOfBelow(disk.source, *below, limits.relative));
  }
  return Begin(domain, job, "block-stream", std::move(arguments));
}

Task<DiskJobPtr> BlockJobs::Commit(DomainPtr domain, std::string disk_name, unsigned base, unsigned top, Limits limits) {
  auto& disk = *qemu::FindDisk(domain->def(), disk_name);
  bool active = disk.source.id == top;
  auto job = std::make_shared<DiskJob>();
  job->disk = disk.dst;
  job->type = static_cast<int>(active ? BlockJobType::kActiveCommit : BlockJobType::kCommit);
  job->base = base;
  job->top = top;
  job->remove = limits.remove;
  auto& from = *FindImage(disk, top);
  auto& into = *FindImage(disk, base);
  job->id = fmt::format("commit-{}-{}", disk.dst, NamesOf(from).format);
  auto arguments = NewJob(*job, NamesOf(disk.source).format, limits);
  arguments.Set("top-node", NamesOf(from).format);
  arguments.Set("base-node", NamesOf(into).format);
  auto* above = active ? nullptr : ImageAbove(disk, top);
  if (above && IsLocal(into)) arguments.Set("backing-file", NameOfBelow(*above, into, limits.relative));
  if (active) {
    disk.mirror = std::make_unique<model::DiskMirror>();
    disk.mirror->job = model::MirrorJob::kActiveCommit;
    disk.mirror->source = std::move(*CopyChain(into, true));
    domain->DefChanged();
  }
  try {
    co_return co_await Begin(domain, job, "block-commit", std::move(arguments));
  } catch (...) {
    if (auto* still = domain->active() ? qemu::FindDisk(domain->def(), disk_name) : nullptr) still->mirror.reset();
    domain->DefChanged();
    throw;
  }
}

Task<DiskJobPtr> BlockJobs::Copy(DomainPtr domain, std::string disk_name, const StorageSource& target, CopyOptions options) {
  auto& disk = *qemu::FindDisk(domain->def(), disk_name);
  auto job = std::make_shared<DiskJob>();
  job->disk = disk.dst;
  job->type = static_cast<int>(BlockJobType::kCopy);
  job->top = disk.source.id;
  const std::string node = NamesOf(disk.source).format;
  job->id = fmt::format("copy-{}-{}", disk.dst, node);
  auto arguments = NewJob(*job, node, options);
  arguments.Set("target", NamesOf(target).format);
  arguments.Set("sync", options.shallow ? "top" : "full");
  if (options.granularity) arguments.Set("granularity", std::uint64_t{options.granularity});
  if (options.buffer_bytes) arguments.Set("buf-size", options.buffer_bytes);
  if (options.synchronous) arguments.Set("copy-mode", "write-blocking");
  disk.mirror = std::make_unique<model::DiskMirror>();
  disk.mirror->job = model::MirrorJob::kCopy;
  disk.mirror->source = std::move(*CopyImage(target));
  // One that has all there is ends here; see SharesBelow().
  if (!options.shallow) disk.mirror->source.backing = Terminator();
  domain->DefChanged();
  std::exception_ptr failure;
  try {
    co_await Begin(domain, job, "blockdev-mirror", std::move(arguments));
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return job;
  if (auto* still = domain->active() ? qemu::FindDisk(domain->def(), disk_name) : nullptr) still->mirror.reset();
  domain->DefChanged();
  std::rethrow_exception(failure);
}

// --- the end -------------------------------------------------------------------------------------------

void BlockJobs::OnStatus(const DomainPtr& domain, const std::string& id, const std::string& status) {
  if (!domain->guest) return;
  auto found = domain->guest->block_jobs.find(id);
  if (found == domain->guest->block_jobs.end()) return;
  auto job = Cast(found->second);
  job->status = status;
  if (status == "ready" && !job->ready) {
    job->ready = true;
    auto* disk = qemu::FindDisk(domain->def(), job->disk);
    if (disk && disk->mirror) {
      disk->mirror->state = model::MirrorState::kReady;
      domain->DefChanged();
      guests_->SaveStatus(domain);
    }
    Tell(domain, *job, BlockJobStatus::kReady);
  }
  job->changed.Pulse();
  if (status == "concluded" && !job->awaited) {
    job->awaited = true;
    Spawn(EndLater(domain, job), "end of a block job");
  }
}

Task<> BlockJobs::EndLater(DomainPtr domain, DiskJobPtr job) {
  try {
    auto turn = co_await domain->jobs.Begin(Job::kModify, "processBlockJobEvent");
    if (domain->active() && Find(*domain, job->disk) == job) co_await End(domain, job);
  } catch (const Error& error) {
    LogError(kSource, "cannot deal with the end of job '{}' of '{}': {}", job->id, domain->name(), error.message);
  }
}

Task<> BlockJobs::AwaitReady(DomainPtr domain, DiskJobPtr job) {
  auto* guest = domain->guest.get();
  while (!job->ready && job->status != "concluded") {
    co_await job->changed.Wait(In(kLook));
    if (domain->guest.get() != guest || !guest) NotRunning();
  }
}

Task<> BlockJobs::AwaitEnd(DomainPtr domain, DiskJobPtr job) {
  auto* guest = domain->guest.get();
  job->awaited = true;
  while (job->status != "concluded") {
    co_await job->changed.Wait(In(kLook));
    if (domain->guest.get() != guest || !guest) NotRunning();
  }
  if (Find(*domain, job->disk) != job) co_return;
  bool aborting = job->aborting;
  auto error = co_await End(domain, job);
  if (!error.empty() && !aborting) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, fmt::format("block job '{}' failed: {}", job->id, error));
}

Task<> BlockJobs::Detach(DomainPtr domain, model::Disk& disk, std::unique_ptr<StorageSource> images) {
  auto* guest = domain->guest.get();
  std::vector<MonitorCommand> commands;
  std::vector<OwnedFile> files;
  for (auto* image = images.get(); image && !image->IsTerminator(); image = image->backing.get()) {
    try {
      for (auto& command : ImageRemoval(domain, *config_, disk, *image)) commands.push_back(std::move(command));
    } catch (const Error& error) {
      LogWarn(kSource, "an image of disk '{}' stays open: {}", disk.dst, error.message);
    }
    for (auto& file : OwnedFiles(*image)) files.push_back(file);
  }
  auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
  for (auto& reply : replies) {
    if (reply.error) LogWarn(kSource, "an image of a disk stays open: {}", reply.error->message);
  }
  if (domain->guest.get() != guest) NotRunning();
  for (auto* image = images.get(); image && !image->IsTerminator(); image = image->backing.get()) {
    co_await guests_->UnlockImage(domain, *image);
    if (domain->guest.get() != guest) NotRunning();
  }
  if (!config_->dynamic_ownership) co_return;
  auto give_back = [files, remember = guest->remember_owner] { GiveBackFiles(files, remember); };
  co_await Offload(std::move(give_back));
}

Task<unsigned> BlockJobs::FindBase(DomainPtr domain, DiskJobPtr job) {
  auto arguments = Json::Object({{"flat", true}});
  auto nodes = co_await guests_->MonitorOf(domain).Execute("query-named-block-nodes", arguments);
  auto* disk = qemu::FindDisk(domain->def(), job->disk);
  if (!disk) co_return 0;
  auto* above = job->kind() == BlockJobType::kPull ? &disk->source : ImageAbove(*disk, job->top);
  if (!above) co_return 0;
  auto node = NamesOf(*above).format;
  std::string below;
  for (auto& entry : nodes.elements()) {
    if (entry["node-name"].AsString() == node) below = entry["image"]["full-backing-filename"].AsString().value_or("");
  }
  for (auto* image = above->backing.get(); image && !image->IsTerminator(); image = image->backing.get()) {
    if (!below.empty() && image->path == below) co_return image->id;
  }
  co_return 0;
}

Task<> BlockJobs::Reattach(DomainPtr domain) {
  auto* guest = domain->guest.get();
  if (!guest) co_return;
  auto jobs = co_await guests_->MonitorOf(domain).Execute("query-jobs");
  if (domain->guest.get() != guest) co_return;
  for (auto& entry : jobs.elements()) {
    auto id = entry["id"].AsString().value_or("");
    for (auto& disk : domain->def().disks) {
      auto prefix = [&](const char* kind) { return id.starts_with(fmt::format("{}-{}-libvirt-", kind, disk->dst)); };
      bool pull = prefix("pull"), commit = prefix("commit"), copy = prefix("copy") && disk->mirror;
      if ((!pull && !commit && !copy) || guest->block_jobs.contains(id)) continue;
      auto job = std::make_shared<DiskJob>();
      job->id = id;
      job->disk = disk->dst;
      job->status = entry["status"].AsString().value_or("");
      for (auto* image = &disk->source; image && !image->IsTerminator(); image = image->backing.get()) {
        if (id.ends_with("-" + NamesOf(*image).format)) job->top = image->id;
      }
      bool active = commit && job->top == disk->source.id;
      job->type = static_cast<int>(pull ? BlockJobType::kPull : copy ? BlockJobType::kCopy : active ? BlockJobType::kActiveCommit : BlockJobType::kCommit);
      if ((active || copy) && disk->mirror) {
        job->base = disk->mirror->source.id;
        job->ready = disk->mirror->state == model::MirrorState::kReady;
        job->pivoting = disk->mirror->state == model::MirrorState::kPivot;
        job->aborting = disk->mirror->state == model::MirrorState::kAbort;
      }
      job->taken_over = !active && !copy;
      guest->block_jobs[id] = job;
      auto now = job->status;
      if (now == "ready" || now == "concluded") OnStatus(domain, id, now);
    }
  }
}

Task<std::string> BlockJobs::End(DomainPtr domain, DiskJobPtr job) {
  auto* guest = domain->guest.get();
  std::string error;
  auto jobs = co_await guests_->MonitorOf(domain).Execute("query-jobs");
  for (auto& entry : jobs.elements()) {
    if (entry["id"].AsString() == job->id) error = entry["error"].AsString().value_or("");
  }
  if (job->taken_over && error.empty()) {
    job->base = co_await FindBase(domain, job);
    // Where a commit went must be known before anything is taken away.
    if (!job->base && job->kind() == BlockJobType::kCommit) error = "what it went into cannot be found";
  }
  auto arguments = Json::Object({{"id", job->id}});
  co_await guests_->MonitorOf(domain).Execute("job-dismiss", arguments);
  if (domain->guest.get() != guest) NotRunning();
  guest->block_jobs.erase(job->id);
  auto status = job->aborting ? BlockJobStatus::kCanceled : error.empty() ? BlockJobStatus::kCompleted : BlockJobStatus::kFailed;
  if (job->on_end) {
    auto on_end = job->on_end;
    auto text = error;
    co_await on_end(job, text);
    if (domain->guest.get() == guest) Tell(domain, *job, status);
    co_return error;
  }
  auto* found = qemu::FindDisk(domain->def(), job->disk);
  if (!found) co_return error;
  auto& disk = *found;
  auto before = CopyImage(disk.source);
  std::unique_ptr<StorageSource> gone;
  if (status == BlockJobStatus::kCompleted) {
    switch (job->kind()) {
      case BlockJobType::kPull: {
        gone = std::move(disk.source.backing);
        std::unique_ptr<StorageSource> base;
        if (job->base && gone && gone->id == job->base) base = std::move(gone);
        else if (job->base && gone) base = CutAt(*gone, job->base);
        disk.source.backing = base ? std::move(base) : Terminator();
        break;
      }
      case BlockJobType::kCommit:
        if (auto* above = ImageAbove(disk, job->top)) {
          gone = std::move(above->backing);
          above->backing = CutAt(*gone, job->base);
        }
        break;
      case BlockJobType::kActiveCommit:
        if (job->pivoting) {
          gone = std::make_unique<StorageSource>(std::move(disk.source));
          disk.source = std::move(*CutAt(*gone, job->base));
          disk.source.readonly = gone->readonly;
        }
        break;
      case BlockJobType::kCopy:
        if (job->pivoting && disk.mirror) {
          const bool shares = SharesBelow(disk);
          gone = std::make_unique<StorageSource>(std::move(disk.source));
          disk.source = std::move(disk.mirror->source);
          disk.source.readonly = gone->readonly;
          if (shares) disk.source.backing = std::move(gone->backing);
        }
        break;
      default:
        break;
    }
  }
  const bool unused = job->kind() == BlockJobType::kCopy && !gone && disk.mirror;
  if (unused) gone = std::make_unique<StorageSource>(std::move(disk.mirror->source));
  disk.mirror.reset();
  auto* config = domain->MutableConfig();
  auto* kept = gone && !unused && config ? qemu::FindDisk(*config, job->disk) : nullptr;
  bool config_changed = kept && SameImage(kept->source, *before) && (job->pivoting || kept->source.backing);
  if (config_changed) {
    auto chain = CopyChain(disk.source, false);
    if (!kept->source.backing) chain->backing.reset();
    kept->source = std::move(*chain);
  }
  domain->DefChanged();
  std::vector<std::string> superfluous;
  for (auto* image = job->remove ? gone.get() : nullptr; image && !image->IsTerminator(); image = image->backing.get()) {
    if (image->type == model::StorageType::kFile) superfluous.push_back(image->path);
  }
  if (gone) co_await Detach(domain, disk, std::move(gone));
  if (!superfluous.empty()) {
    auto remove = [superfluous] {
      for (auto& path : superfluous) unlink(path.c_str());
    };
    co_await Offload(std::move(remove));
  }
  Tell(domain, *job, status);
  if (config_changed) co_await save_config_(domain);
  if (domain->guest.get() == guest) co_await guests_->StoreStatus(domain);
  co_return error;
}

Task<> BlockJobs::Pivot(DomainPtr domain, DiskJobPtr job, bool wait) {
  if (!job->ready)
    throw Error(ErrorDomain::kQemu, ErrorCode::kBlockCopyActive, fmt::format("disk '{}' not ready for pivot yet", job->disk));
  auto* disk = qemu::FindDisk(domain->def(), job->disk);
  if (disk && disk->mirror) disk->mirror->state = model::MirrorState::kPivot;
  domain->DefChanged();
  job->pivoting = true;
  job->awaited = wait;
  auto arguments = Json::Object({{"id", job->id}});
  std::exception_ptr failure;
  try {
    co_await guests_->MonitorOf(domain).Execute("job-complete", arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    job->pivoting = job->awaited = false;
    if (disk && disk->mirror) disk->mirror->state = model::MirrorState::kReady;
    std::rethrow_exception(failure);
  }
  if (wait) co_await AwaitEnd(domain, job);
}

Task<> BlockJobs::Abort(DomainPtr domain, DiskJobPtr job, bool wait) {
  auto* disk = qemu::FindDisk(domain->def(), job->disk);
  if (disk && disk->mirror) disk->mirror->state = model::MirrorState::kAbort;
  domain->DefChanged();
  job->aborting = true;
  job->awaited = wait;
  auto arguments = Json::Object({{"device", job->id}});
  std::exception_ptr failure;
  try {
    co_await guests_->MonitorOf(domain).Execute("block-job-cancel", arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    job->aborting = job->awaited = false;
    std::rethrow_exception(failure);
  }
  if (wait) co_await AwaitEnd(domain, job);
}

}  // namespace bv::qemu
