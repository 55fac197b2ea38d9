// Saving guests to files and bringing them back.

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "qemu/migratable.h"
#include "qemu/agent.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/validate.h"
#include "qemu/driver.h"
#include "qemu/guest_hooks.h"
#include "qemu/job_params.h"
#include "qemu/migration_wait.h"
#include "qemu/save_image.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_driver";
// virDomainSaveRestoreFlags
enum : unsigned { kBypassCache = 1, kRunning = 2, kPaused = 4, kResetNvram = 8 };
constexpr unsigned kSaveFlags = kBypassCache | kRunning | kPaused | kResetNvram;
constexpr int kOperationSave = 2, kOperationRestore = 3;  // virDomainJobOperation

[[noreturn]] void Invalid(const char* what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, what); }

void CheckRunState(unsigned flags) {
  if ((flags & kRunning) && (flags & kPaused))
    throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, "Flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' are mutually exclusive");
}

void OverrideRunState(SaveImage& image, unsigned flags) {
  if (flags & kRunning) image.was_running = true;
  if (flags & kPaused) image.was_running = false;
}

// A definition given instead of the one in the image must be for the same guest.
void CheckSameGuest(const model::DomainDef& given, const model::DomainDef& saved) {
  auto refuse = [](const std::string& what) { throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, what); };
  if (given.uuid != saved.uuid)
    refuse(fmt::format("Target domain uuid {} does not match source {}", given.uuid.ToString(), saved.uuid.ToString()));
  if (given.name != saved.name)
    refuse(fmt::format("Target domain name '{}' does not match source '{}'", given.name, saved.name));
}

// Scripts may change what is started, as long as it stays the same guest.
using Definition = std::unique_ptr<model::DomainDef>;
using ReadDefinition = std::function<Task<Definition>(std::string)>;
Task<Definition> FilterRestored(Definition saved, ReadDefinition read) {
  std::string xml = MigratableXml(*saved), name = saved->name;
  std::string filtered = co_await FilterByGuestHooks(name, "restore", xml);
  if (filtered == xml) co_return saved;
  auto given = co_await read(filtered);
  CheckSameGuest(*given, *saved);
  co_return given;
}

}  // namespace

// --- save ----------------------------------------------------------------------------------------

Task<> QemuDriver::SaveTo(DomainPtr domain, std::string path, std::optional<std::string> dxml, unsigned flags, const char* api) {
  CheckRunState(flags);
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kSave, kOperationSave, api);
  RequireActive(*domain);
  auto* guest = domain->guest.get();
  if (!domain->def().hostdevs.empty()) Invalid("domain has assigned non-USB host devices");
  domain->completed_job.reset();
  SaveImage image;
  image.was_running = domain->state() == State::kRunning;
  bool resume_on_failure = image.was_running;
  OverrideRunState(image, flags);
  image.xml = MigratableXml(*domain);
  if (dxml) {
    auto given = model::ParseDomain(*dxml, model::kParseInactive);
    CheckSameGuest(given, domain->def());
    image.xml = *dxml;
  }
  if (domain->state() == State::kRunning) co_await guests_->Pause(domain, paused::kSave);
  if (domain->guest.get() != guest) Invalid("guest unexpectedly quit");
  std::exception_ptr failure;
  std::shared_ptr<Fd> fd;
  try {
    auto create = [path, image] { return std::make_shared<Fd>(SaveImage::Create(path, image)); };
    fd = co_await Offload(std::move(create));
    co_await MigrateToFd(domain, guests_->MonitorOf(domain), fd->get());
    auto complete = [fd] { SaveImage::Complete(fd->get()); };
    co_await Offload(std::move(complete));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    if (fd) unlink(path.c_str());
    if (domain->guest.get() == guest && resume_on_failure && domain->state() == State::kPaused) {
      guest->run_reason = running::kSaveCanceled;
      co_await guests_->Resume(domain, running::kSaveCanceled);
    }
    std::rethrow_exception(failure);
  }
  if (domain->guest.get() != guest) co_return;
  auto job = std::make_unique<CompletedJob>();
  job->operation = kOperationSave;
  job->elapsed_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - domain->jobs.async_started()).count());
  auto query = co_await guests_->MonitorOf(domain).Execute("query-migrate");
  if (domain->guest.get() != guest) co_return;
  job->ram = query["ram"];
  job->downtime_ms = query["downtime"].AsUint().value_or(0);
  job->setup_ms = query["setup-time"].AsUint();
  events_.SendJobCompleted(domain->Ref(), JobParams(*job));
  domain->completed_job = std::move(job);
  co_await guests_->Stop(domain, shutoff::kSaved, stopped::kSaved);
}

Task<> QemuDriver::DomainSave(Call&, remote::DomainSaveArgs args) {
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  co_await SaveTo(domain, args.to, std::nullopt, 0, "remoteDispatchDomainSave");
}

Task<> QemuDriver::DomainSaveFlags(Call&, remote::DomainSaveFlagsArgs args) {
  CheckFlags(args.flags, kSaveFlags & ~kResetNvram, "qemuDomainSaveFlags");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  co_await SaveTo(domain, args.to, args.dxml, args.flags, "remoteDispatchDomainSaveFlags");
}

Task<> QemuDriver::DomainManagedSave(Call&, remote::DomainManagedSaveArgs args) {
  CheckFlags(args.flags, kSaveFlags & ~kResetNvram, "qemuDomainManagedSave");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  if (!domain->persistent) Invalid("cannot do managed save for transient domain");
  co_await SaveTo(domain, SavePath(*domain), std::nullopt, args.flags, "remoteDispatchDomainManagedSave");
  domain->has_managed_save = true;
}

Task<> QemuDriver::DomainManagedSaveRemove(Call&, remote::DomainManagedSaveRemoveArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainManagedSaveRemove");
  auto domain = Find(args.dom);
  if (unlink(SavePath(*domain).c_str()) != 0 && errno != ENOENT)
    throw SystemError(ErrorDomain::kQemu, fmt::format("Failed to remove managed save file '{}'", SavePath(*domain)));
  domain->has_managed_save = false;
  co_return;
}

// --- restore -------------------------------------------------------------------------------------

// Starts `live` from the stream in `fd`. The caller holds the domain's start job.
Task<> QemuDriver::StartFromImage(DomainPtr domain, std::unique_ptr<model::DomainDef> live, CapsPtr caps, std::shared_ptr<Fd> fd,
                                  bool running) {
  StartOptions options;
  options.hold = true;
  options.incoming_uri = "defer";
  options.paused = !running;
  options.running_reason = running::kRestored;
  options.paused_reason = paused::kMigration;
  options.started_detail = started::kRestored;
  co_await guests_->Start(domain, std::move(live), caps, options);
  auto* guest = domain->guest.get();
  std::exception_ptr failure;
  try {
    co_await MigrateFromFd(domain, guests_->MonitorOf(domain), fd->get());
    if (domain->guest.get() == guest) co_await guests_->FinishStart(domain, options);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  if (domain->guest.get() == guest) co_await guests_->Stop(domain, shutoff::kFailed, stopped::kFailed);
  std::rethrow_exception(failure);
}

Task<> QemuDriver::RestoreFrom(std::string path, std::optional<std::string> dxml, unsigned flags) {
  CheckRunState(flags);
  auto fd = std::make_shared<Fd>();
  auto read = [path, fd] { return SaveImage::Read(path, fd.get()); };
  auto image = co_await Offload(std::move(read));
  OverrideRunState(image, flags);
  if (image.compression != 0)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "compressed save images cannot be restored yet");
  auto live = co_await ReadXml(image.xml, model::kParseInactive);
  if (dxml) {
    auto given = co_await ReadXml(*dxml, model::kParseInactive);
    CheckSameGuest(*given, *live);
    live = std::move(given);
  }
  ReadDefinition again = [this](std::string xml) { return ReadXml(std::move(xml), model::kParseInactive); };
  live = co_await FilterRestored(std::move(live), again);
  auto domain = co_await AddForStart(*live);
  auto turn = co_await domain->jobs.BeginAsync(AsyncJob::kStart, kOperationRestore, "remoteDispatchDomainRestoreFlags");
  if (domain->active()) Invalid("domain is already running");
  domain->completed_job.reset();
  auto caps = co_await CapsOf(*live);
  AssignAliases(*live);
  co_await StartFromImage(domain, std::move(live), caps, fd, image.was_running);
}

Task<> QemuDriver::DomainRestore(Call&, remote::DomainRestoreArgs args) {
  co_await RestoreFrom(args.from, std::nullopt, 0);
}

Task<> QemuDriver::DomainRestoreFlags(Call&, remote::DomainRestoreFlagsArgs args) {
  CheckFlags(args.flags, kSaveFlags, "qemuDomainRestoreInternal");
  co_await RestoreFrom(args.from, args.dxml, args.flags);
}

// The start of a domain that was put away with managed save. False when the image is of no use
// and the domain has to boot.
Task<bool> QemuDriver::StartFromManagedSave(DomainPtr domain, bool paused) {
  auto path = SavePath(*domain);
  auto fd = std::make_shared<Fd>();
  std::string trouble;
  SaveImage image;
  try {
    auto read = [path, fd] { return SaveImage::Read(path, fd.get()); };
    image = co_await Offload(std::move(read));
  } catch (const Error& error) {
    trouble = error.message;
  }
  if (!trouble.empty()) {
    LogWarn(kSource, "ignoring the managed save image of '{}': {}", domain->name(), trouble);
    co_return false;
  }
  auto live = co_await ReadXml(image.xml, model::kParseInactive);
  ReadDefinition again = [this](std::string xml) { return ReadXml(std::move(xml), model::kParseInactive); };
  live = co_await FilterRestored(std::move(live), again);
  auto caps = co_await CapsOf(*live);
  AssignAliases(*live);
  co_await StartFromImage(domain, std::move(live), caps, fd, image.was_running && !paused);
  unlink(path.c_str());
  domain->has_managed_save = false;
  co_return true;
}

// --- what is in an image -------------------------------------------------------------------------

namespace {
constexpr unsigned kSecure = 1;  // virDomainSaveImageXMLFlags
}

Task<remote::DomainSaveImageGetXmlDescRet> QemuDriver::DomainSaveImageGetXmlDesc(Call&, remote::DomainSaveImageGetXmlDescArgs args) {
  CheckFlags(args.flags, kSecure, "qemuDomainSaveImageGetXMLDesc");
  auto path = args.file;
  auto read = [path] {
    Fd fd;
    return SaveImage::Read(path, &fd);
  };
  auto image = co_await Offload(std::move(read));
  auto def = co_await ReadXml(image.xml, model::kParseInactive);
  unsigned format = model::kFormatInactive | (args.flags & kSecure ? unsigned{model::kFormatSecure} : 0u);
  co_return remote::DomainSaveImageGetXmlDescRet{model::FormatDomain(*def, format)};
}

Task<remote::DomainManagedSaveGetXmlDescRet> QemuDriver::DomainManagedSaveGetXmlDesc(Call& call, remote::DomainManagedSaveGetXmlDescArgs args) {
  CheckFlags(args.flags, kSecure, "qemuDomainManagedSaveGetXMLDesc");
  auto domain = Find(args.dom);
  if (!domain->has_managed_save) Invalid("domain does not have managed save image");
  remote::DomainSaveImageGetXmlDescArgs image;
  image.file = SavePath(*domain);
  image.flags = args.flags;
  auto answer = co_await DomainSaveImageGetXmlDesc(call, image);
  co_return remote::DomainManagedSaveGetXmlDescRet{answer.xml};
}

Task<> QemuDriver::DomainSaveImageDefineXml(Call&, remote::DomainSaveImageDefineXmlArgs args) {
  CheckFlags(args.flags, kRunning | kPaused, "qemuDomainSaveImageDefineXML");
  CheckRunState(args.flags);
  auto path = args.file;
  auto read = [path] {
    Fd fd;
    return SaveImage::Read(path, &fd);
  };
  auto image = co_await Offload(std::move(read));
  auto given = co_await ReadXml(args.dxml, model::kParseInactive);
  auto saved = co_await ReadXml(image.xml, model::kParseInactive);
  CheckSameGuest(*given, *saved);
  image.xml = MigratableXml(*given);
  OverrideRunState(image, args.flags);
  auto rewrite = [path, image] { SaveImage::Rewrite(path, image); };
  co_await Offload(std::move(rewrite));
}

Task<> QemuDriver::DomainManagedSaveDefineXml(Call& call, remote::DomainManagedSaveDefineXmlArgs args) {
  auto domain = Find(args.dom);
  if (!domain->has_managed_save) Invalid("domain does not have managed save image");
  remote::DomainSaveImageDefineXmlArgs image;
  image.file = SavePath(*domain);
  image.dxml = args.dxml.value_or("");
  image.flags = args.flags;
  co_await DomainSaveImageDefineXml(call, std::move(image));
}

}  // namespace bv::qemu
