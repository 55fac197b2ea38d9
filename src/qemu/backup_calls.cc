#include "qemu/backup_calls.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/schema.h"
#include "qemu/backup_rules.h"
#include "qemu/bitmaps.h"
#include "qemu/block_nodes.h"
#include "qemu/checkpoint_calls.h"
#include "qemu/command_line/storage.h"
#include "qemu/disk_names.h"
#include "qemu/driver.h"
#include "qemu/job_params.h"
#include "qemu/moment_store.h"
#include "qemu/ownership.h"
#include "qemu/plug_steps.h"
#include "qemu/qemu_img.h"

namespace bv::qemu {

using namespace std::chrono_literals;

namespace {

constexpr const char* kSource = "qemu.qemu_backup";
constexpr int kOperationBackup = 9;  // virDomainJobOperation

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

// One disk's part.
struct BackupCalls::Store {
  std::string disk, node, below;  // names: target, our node, the disk's node
  model::BackupDisk* entry = nullptr;
  std::string bitmap;  // ours, of what changed since a checkpoint
  std::vector<PlugStep> steps;
  std::vector<OwnedFile> given;
  bool made = false, plugged = false, locked = false, ended = false;
  DiskJobPtr job;
};

struct BackupCalls::Running {
  DomainPtr domain;
  Guest* guest = nullptr;
  model::Backup def;
  JobQueue::Turn turn;
  std::vector<std::unique_ptr<Store>> stores;
  bool serving = false, aborted = false, failed = false, over = false;
};

BackupCalls::~BackupCalls() = default;

void BackupCalls::Register(Service& service) {
  service.On<remote::proc::DomainBackupBegin>(this, &BackupCalls::DomainBackupBegin);
  service.On<remote::proc::DomainBackupGetXmlDesc>(this, &BackupCalls::DomainBackupGetXmlDesc);
}

// --- beginning -----------------------------------------------------------------------------------------

Task<> BackupCalls::PrepareStore(RunningPtr running, Store* store, bool reuse) {
  auto domain = running->domain;
  auto* guests = driver_->guests_.get();
  auto& image = store->entry->store;
  bool file = image.type == model::StorageType::kFile;
  if (file && !reuse && FileExists(image.path)) Fail(ErrorCode::kInvalidArg, "store '{}' for backup of '{}' exists", image.path, store->disk);
  if (file && reuse && !FileExists(image.path)) Fail(ErrorCode::kInvalidArg, "store '{}' for backup of '{}' doesn't exist", image.path, store->disk);
  if (!reuse) {
    auto arguments = Json::Object({{"flat", true}});
    auto nodes = co_await guests->MonitorOf(domain).Execute("query-named-block-nodes", arguments);
    std::uint64_t size = 0;
    for (auto& entry : nodes.elements()) {
      if (entry["node-name"].AsString() == store->below) size = entry["image"]["virtual-size"].AsUint().value_or(0);
    }
    std::vector<std::string> create{"create", "-f", std::string(ToString(image.format)), image.path, std::to_string(size)};
    store->made = file;
    co_await QemuImg(create);
  }
  if (domain->guest.get() != running->guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  image.id = ++running->guest->next_node;
  store->node = NamesOf(image).format;
  co_await guests->LockImage(domain, image);
  store->locked = true;
  auto& config = guests->config();
  if (config.dynamic_ownership) {
    auto files = OwnedFiles(image);
    auto give = [files, uid = config.uid, gid = config.gid, remember = config.remember_owner] { GiveFiles(files, uid, gid, remember); };
    co_await Offload(std::move(give));
    store->given = files;
  }
  if (domain->guest.get() != running->guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  auto* disk = FindDisk(domain->def(), store->disk);
  // What is fetched is the disk, but for what changed since: that is kept here.
  std::optional<std::string> below = running->def.pull ? store->below : std::string();
  store->steps = co_await ImageSteps(domain, config, *disk, image, below);
  auto steps = store->steps;
  co_await RunSteps(guests, domain, std::move(steps));
  store->plugged = true;
}

namespace {

Json BackupAction(const DiskJob& job, const std::string& device, const std::string& target, const std::string& bitmap, bool pull) {
  auto data = Json::Object({{"job-id", job.id}, {"device", device}, {"target", target}, {"auto-finalize", true}, {"auto-dismiss", false}});
  if (pull) {
    data.Set("sync", "none");
  } else if (bitmap.empty()) {
    data.Set("sync", "full");
  } else {
    data.Set("sync", "bitmap");
    data.Set("bitmap", bitmap);
    data.Set("bitmap-mode", "never");
  }
  return Json::Object({{"type", "blockdev-backup"}, {"data", std::move(data)}});
}

}  // namespace

Task<> BackupCalls::DomainBackupBegin(Call&, remote::DomainBackupBeginArgs args) {
  constexpr unsigned kReuse = 1;
  CheckFlags(args.flags, kReuse, "qemuBackupBegin");
  auto domain = co_await driver_->Get(args.dom);
  if (!domain->active()) Fail(ErrorCode::kOperationUnsupported, "cannot perform disk backup for inactive domain");
  auto running = std::make_shared<Running>();
  running->domain = domain;
  bool validate = co_await xml::StillToValidate(true, args.backup_xml, "domainbackup", "domainbackup");
  running->def = model::ParseBackup(args.backup_xml, validate);
  std::unique_ptr<model::Checkpoint> checkpoint;
  if (args.checkpoint_xml) {
    validate = co_await xml::StillToValidate(true, *args.checkpoint_xml, "domaincheckpoint", "domaincheckpoint");
    checkpoint = std::make_unique<model::Checkpoint>(model::ParseCheckpoint(*args.checkpoint_xml, validate ? unsigned{model::kMomentValidate} : 0u));
  }
  // Other calls go on while it runs, but for those that are long themselves.
  auto mask = JobQueue::kDefaultMask | JobQueue::Mask(Job::kSuspend) | JobQueue::Mask(Job::kModify);
  running->turn = co_await domain->jobs.BeginAsync(AsyncJob::kBackup, kOperationBackup, "remoteDispatchDomainBackupBegin", mask);
  RequireActive(*domain);
  running->guest = domain->guest.get();
  domain->completed_job.reset();
  auto suffix = std::to_string(std::time(nullptr));
  if (checkpoint) {
    driver_->checkpoint_calls_->Prepare(domain, *checkpoint);
    suffix = checkpoint->name;
  }
  AlignBackup(running->def, domain->def(), suffix);
  auto bitmaps = co_await QueryBitmaps(driver_->guests_->MonitorOf(domain));
  auto actions = Json::Array();
  std::exception_ptr failure;
  try {
    for (auto& entry : running->def.disks) {
      auto* disk = entry.wanted ? FindDisk(domain->def(), entry.name) : nullptr;
      if (!disk) continue;
      if (BlockJobs::Find(*domain, disk->dst)) Fail(ErrorCode::kOperationUnsupported, "disk '{}' already in active block job", disk->dst);
      auto store = std::make_unique<Store>();
      store->disk = disk->dst;
      store->entry = &entry;
      store->below = NamesOf(disk->source).format;
      if (!entry.incremental.empty()) {
        if (!MomentStore::Of(domain).checkpoints.Find(entry.incremental))
          Fail(ErrorCode::kNoDomainCheckpoint, "Checkpoint '{}' for incremental backup of disk '{}' not found", entry.incremental, entry.name);
        auto nodes = NodesWithBitmap(bitmaps, disk->source, entry.incremental);
        if (nodes.empty()) Fail(ErrorCode::kCheckpointInconsistent, "missing or broken bitmap '{}' for disk '{}'", entry.incremental, entry.name);
        store->bitmap = running->def.pull ? entry.exportbitmap : "backup-" + entry.name;
        actions.Append(AddBitmap(store->below, store->bitmap, false, FindBitmap(bitmaps, nodes.front(), entry.incremental)->granularity));
        actions.Append(MergeBitmaps(store->below, store->bitmap, nodes, entry.incremental));
      }
      auto* raw = store.get();
      running->stores.push_back(std::move(store));
      co_await PrepareStore(running, raw, args.flags & kReuse);
      raw->job = std::make_shared<DiskJob>();
      raw->job->disk = raw->disk;
      raw->job->type = static_cast<int>(BlockJobType::kBackup);
      raw->job->id = fmt::format("backup-{}-{}", raw->disk, raw->below);
      raw->job->on_end = [this, running, raw](DiskJobPtr job, std::string error) { return StoreEnded(running, raw, error, job->aborting); };
      actions.Append(BackupAction(*raw->job, raw->below, raw->node, raw->bitmap, running->def.pull));
    }
    if (checkpoint) {
      auto with_it = CheckpointCalls::Actions(domain->def(), *checkpoint);
      for (auto& action : with_it.elements()) actions.Append(action);
    }
    if (running->def.pull) co_await ServeNbd(running);
    for (auto& store : running->stores) running->guest->block_jobs[store->job->id] = store->job;
    running_[domain->uuid()] = running;
    auto arguments = Transaction(actions);
    co_await driver_->guests_->MonitorOf(domain).Execute("transaction", arguments);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    LetGo(*running);
    if (domain->guest.get() == running->guest) {
      for (auto& store : running->stores) {
        if (store->job) running->guest->block_jobs.erase(store->job->id);
        store->bitmap.clear();
        auto* raw = store.get();
        co_await TakeBack(running, raw);
        if (store->made) unlink(store->entry->store.path.c_str());
      }
      co_await StopNbd(running);
    }
    running->stores.clear();
    std::rethrow_exception(failure);
  }
  Spawn(Watch(running), "backup");
  if (checkpoint) co_await driver_->checkpoint_calls_->Add(domain, std::move(checkpoint));
  if (running->def.pull && !running->over) co_await ExportStores(running);
}

// --- what fetches it over the network ------------------------------------------------------------------

Task<> BackupCalls::ServeNbd(RunningPtr running) {
  auto& server = running->def.server;
  Json address, data;
  if (server.transport == model::HostTransport::kUnix) {
    data = Json::Object({{"path", server.socket}});
    address = Json::Object({{"type", "unix"}, {"data", data}});
  } else {
    constexpr unsigned kNbdPort = 10809;
    data = Json::Object({{"host", server.name}, {"port", std::to_string(server.port ? server.port : kNbdPort)}});
    address = Json::Object({{"type", "inet"}, {"data", data}});
  }
  auto arguments = Json::Object({{"addr", address}});
  co_await driver_->guests_->MonitorOf(running->domain).Execute("nbd-server-start", arguments);
  running->serving = true;
}

Task<> BackupCalls::ExportStores(RunningPtr running) {
  for (auto& store : running->stores) {
    auto arguments = Json::Object({{"type", "nbd"}, {"id", "backup-" + store->disk}, {"node-name", store->node}, {"writable", false},
                                   {"name", store->entry->exportname}});
    if (!store->bitmap.empty()) {
      auto bitmap = Json::Object({{"node", store->below}, {"name", store->bitmap}});
      arguments.Set("bitmaps", Json::Array({bitmap}));
    }
    co_await driver_->guests_->MonitorOf(running->domain).Execute("block-export-add", arguments);
  }
}

Task<> BackupCalls::StopNbd(RunningPtr running) {
  if (!std::exchange(running->serving, false)) co_return;
  try {
    co_await driver_->guests_->MonitorOf(running->domain).Execute("nbd-server-stop");
  } catch (const Error& error) {
    LogWarn(kSource, "cannot stop the server of a backup: {}", error.message);
  }
}

// --- the end -------------------------------------------------------------------------------------------

Task<> BackupCalls::TakeBack(RunningPtr running, Store* store) {
  auto domain = running->domain;
  auto* guest = running->guest;
  std::vector<MonitorCommand> commands;
  if (store->plugged) commands = Removal(store->steps);
  if (!store->bitmap.empty()) {
    auto& remove = commands.emplace_back();
    remove.name = "block-dirty-bitmap-remove";
    remove.arguments = Json::Object({{"node", store->below}, {"name", store->bitmap}});
  }
  if (!commands.empty() && guest->monitor && guest->monitor->open()) {
    auto replies = co_await guest->monitor->ExecuteAll(std::move(commands));
    for (auto& reply : replies) {
      if (reply.error) LogWarn(kSource, "after a backup of disk '{}': {}", store->disk, reply.error->message);
    }
  }
  if (domain->guest.get() != guest) co_return;
  if (store->locked) co_await driver_->guests_->UnlockImage(domain, store->entry->store);
  auto give_back = [given = store->given, remember = driver_->config_->remember_owner] { GiveBackFiles(given, remember); };
  co_await Offload(std::move(give_back));
}

Task<> BackupCalls::StoreEnded(RunningPtr running, Store* store, std::string error, bool aborted) {
  store->ended = true;
  if (!error.empty() && !aborted) running->failed = true;
  co_await StopNbd(running);
  co_await TakeBack(running, store);
  if (running->def.pull && store->made) unlink(store->entry->store.path.c_str());
  if (running->over || running->domain->guest.get() != running->guest) co_return;
  bool all = std::ranges::all_of(running->stores, [](auto& each) { return each->ended; });
  if (all) Finish(running);
  else if (running->failed && !running->aborted) co_await Abort(running->domain);
}

// The jobs' ends hold the backup, and it holds the jobs.
void BackupCalls::LetGo(Running& running) {
  running.over = true;
  running.turn.Release();
  for (auto& store : running.stores) {
    if (store->job) store->job->on_end = nullptr;
  }
  auto found = running_.find(running.domain->uuid());
  if (found != running_.end() && found->second.get() == &running) running_.erase(found);
}

void BackupCalls::Finish(RunningPtr running) {
  enum { kCompleted = 3, kFailed = 4, kCanceled = 5 };
  auto& domain = running->domain;
  auto job = std::make_unique<CompletedJob>();
  job->operation = kOperationBackup;
  job->type = running->failed ? kFailed : running->aborted && !running->def.pull ? kCanceled : kCompleted;
  job->elapsed_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - domain->jobs.async_started()).count());
  job->success = job->type == kCompleted;
  LetGo(*running);
  driver_->events_.SendJobCompleted(domain->Ref(), JobParams(*job));
  domain->completed_job = std::move(job);
}

Task<> BackupCalls::Watch(RunningPtr running) {
  while (!running->over && running->domain->guest.get() == running->guest) co_await Sleep(1s);
  if (!running->over) LetGo(*running);
}

Task<> BackupCalls::Abort(DomainPtr domain) {
  auto found = running_.find(domain->uuid());
  if (found == running_.end()) co_return;
  auto running = found->second;
  running->aborted = true;
  co_await StopNbd(running);
  for (auto& store : running->stores) {
    if (store->ended || running->domain->guest.get() != running->guest) continue;
    store->job->aborting = true;
    auto arguments = Json::Object({{"device", store->job->id}, {"force", true}});
    try {
      co_await driver_->guests_->MonitorOf(domain).Execute("block-job-cancel", arguments);
    } catch (const Error& error) {
      LogWarn(kSource, "cannot cancel the backup of disk '{}': {}", store->disk, error.message);
    }
  }
}

Task<remote::DomainBackupGetXmlDescRet> BackupCalls::DomainBackupGetXmlDesc(Call&, remote::DomainBackupGetXmlDescArgs args) {
  CheckFlags(args.flags, 0, "qemuBackupGetXMLDesc");
  auto domain = co_await driver_->Get(args.dom);
  auto found = running_.find(domain->uuid());
  if (found == running_.end()) Fail(ErrorCode::kNoDomainBackup, "no domain backup job present");
  co_return remote::DomainBackupGetXmlDescRet{model::FormatBackup(found->second->def)};
}

}  // namespace bv::qemu
