#include "qemu/driver.h"
#include "qemu/live_devices.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/schema.h"
#include "daemon/definition_files.h"
#include "daemon/uri.h"
#include "qemu/agent.h"
#include "qemu/defaults/defaults.h"
#include "qemu/backup_calls.h"
#include "qemu/block_job_calls.h"
#include "qemu/checkpoint_calls.h"
#include "qemu/guest_hooks.h"
#include "qemu/migration/calls.h"
#include "qemu/migration/state.h"
#include "qemu/moment_store.h"
#include "qemu/rx_filter.h"
#include "qemu/snapshot_calls.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_driver";

void MakeDriverDirs(const QemuConfig& config) {
  auto& dirs = config.dirs;
  MakeDirs(dirs.config, 0700);
  MakeDirs(dirs.autostart, 0700);
  for (auto* path : {&dirs.state, &dirs.log, &dirs.cache, &dirs.nvram, &dirs.lib}) MakeDirs(*path);
  for (auto* path : {&dirs.save, &dirs.snapshot, &dirs.checkpoint, &dirs.dump, &dirs.nvram, &dirs.memory,
                     &dirs.channel_target, &dirs.slirp, &dirs.passt}) {
    MakeDirs(*path);
    if (config.privileged && chown(path->c_str(), config.uid, config.gid) != 0)
      LogWarn(kSource, "cannot change ownership of '{}'", *path);
  }
  MakeDirs(dirs.dbus, 0770);
  if (!config.privileged) return;
  for (auto& path : {dirs.lib, dirs.dbus, dirs.lib + "/channel"}) {
    if (chown(path.c_str(), config.uid, config.gid) != 0) LogWarn(kSource, "cannot change ownership of '{}'", path);
  }
  chmod(dirs.lib.c_str(), 0750);
}

}  // namespace

void CheckFlags(unsigned flags, unsigned allowed, const char* function) {
  if (unsigned others = flags & ~allowed) {
    auto text = fmt::format("unsupported flags (0x{:x}) in function {}", others, function);
    Error error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, text);
    error.message = text;
    throw error;
  }
}

void RequireActive(const Domain& domain) {
  if (!domain.active()) throw Error(ErrorDomain::kDomain, ErrorCode::kOperationInvalid, "domain is not running");
}

QemuDriver::QemuDriver(DriverEnvironment environment) : environment_(std::move(environment)) {
  auto& e = environment_;
  auto dirs = QemuDirs::Make(e.privileged, e.config_dir, e.state_dir, e.lib_dir, e.log_dir, e.cache_dir);
  auto file = e.config_dir + "/qemu.conf";
  try {
    config_ = std::make_shared<const QemuConfig>(
        ReadQemuConfig(e.privileged, dirs, ReadFileIfExists(file).value_or(""), file));
    locks_ = std::make_unique<DiskLocks>(*config_, e.config_dir);
  } catch (const Error&) {
    config_error_ = std::current_exception();
    config_ = std::make_shared<const QemuConfig>();
    locks_ = std::make_unique<DiskLocks>(*config_, e.config_dir);
  }
  CapsCache::Options caps;
  caps.directory = config_->dirs.cache + "/capabilities";
  if (config_->privileged) {
    caps.uid = config_->uid;
    caps.gid = config_->gid;
    caps.groups = config_->groups;
  }
  caps_ = std::make_unique<CapsCache>(std::move(caps));
  host_calls_ = std::make_unique<HostCalls>(caps_.get(), config_);
  cpu_calls_ = std::make_unique<CpuCalls>(host_calls_.get());
  guests_ = std::make_unique<Guests>(config_, &domains_, &events_, locks_.get());
  guests_->on_idle = environment_.on_idle;
  live_devices_ = std::make_unique<LiveDevices>(config_, guests_.get(), &events_);
  moments_ = std::make_unique<MomentStore>(config_);
  std::function<Task<>(DomainPtr)> save_config = [this](DomainPtr domain) { return SaveConfig(domain); };
  block_jobs_ = std::make_unique<BlockJobs>(config_, guests_.get(), &events_, save_config);
  block_job_calls_ = std::make_unique<BlockJobCalls>(this);
  backup_calls_ = std::make_unique<BackupCalls>(this);
  migration_calls_ = std::make_unique<MigrationCalls>(this);
  guests_->on_event = [this](const DomainPtr& domain, const MonitorEvent& event) {
    if (event.name == "JOB_STATUS_CHANGE")
      block_jobs_->OnStatus(domain, event.data["id"].AsString().value_or(""), event.data["status"].AsString().value_or(""));
    if (event.name == "NIC_RX_FILTER_CHANGED") Spawn(FollowRxFilter(domain, event.data["name"].AsString().value_or("")), "filter of a card");
  };
  checkpoint_calls_ = std::make_unique<CheckpointCalls>(this);
  snapshot_calls_ = std::make_unique<SnapshotCalls>(this);
  guests_->on_removed = [this](const DomainPtr& domain) { Spawn(moments_->Discard(domain), "moments of a transient domain"); };
  guests_->on_device_gone = [this](const DomainPtr& domain, const std::string& alias) {
    Spawn(live_devices_->Gone(domain, alias), "device removal");
  };
}
QemuDriver::~QemuDriver() {
  // They have ports of guests_, which goes before the domains.
  domains_.ForEach([](const DomainPtr& domain) { domain->migration.reset(); });
}

Task<> QemuDriver::Start() {
  if (config_error_) std::rethrow_exception(config_error_);
  // Nobody is served yet: what blocks here delays only ourselves.
  MakeDriverDirs(*config_);
  LookForGuestHooks();
  lock_.emplace(config_->dirs.state + "/driver.pid", std::move(inherited_lock_));
  LoadDefinitions();
  co_await locks_->Start();
  std::function<Task<CapsPtr>(const std::string&)> caps_of = [this](const std::string& emulator) {
    return caps_->Get(emulator);
  };
  co_await guests_->AttachAll(caps_of);
  for (auto& domain : domains_.All()) {
    if (domain->active()) Spawn(block_jobs_->Reattach(domain), "block jobs of a guest that was found");
    if (domain->active()) Spawn(migration_calls_->Recover(domain), "a migration that was cut off");
  }
  RestoreDomains();
  RestoreAutodestroy();
  Spawn(AutostartAll(), "autostart");
  Spawn(CheckDefinitions(), "check definitions");
}

Task<> QemuDriver::Stop() {
  lock_.reset();
  co_return;
}

bool QemuDriver::AcceptsUri(const Uri& uri) const { return AcceptsLocalUri(uri, "qemu", environment_.privileged); }
std::string QemuDriver::DefaultUri() const { return environment_.privileged ? "qemu:///system" : "qemu:///session"; }

bool QemuDriver::SupportsFeature(int feature) const {
  // Of libvirt's list, those that hypervisors differ in.
  enum { kMigrationV2 = 3, kMigrationP2p = 4, kMigrationV3 = 6, kChangeProtection = 7, kXmlMigratable = 11, kOffline = 12, kParams = 13 };
  switch (feature) {
    case kMigrationV2:
    case kMigrationP2p:
    case kMigrationV3:
    case kChangeProtection:
    case kXmlMigratable:
    case kOffline:
    case kParams: return true;
    default: return false;
  }
}

void QemuDriver::Register(Service& service) {
#define BV_REGISTER(NAME) service.On<remote::proc::NAME>(this, &QemuDriver::NAME);
  BV_QEMU_LOOKUP_CALLS(BV_REGISTER)
  BV_QEMU_DEFINE_CALLS(BV_REGISTER)
  BV_QEMU_LIFECYCLE_CALLS(BV_REGISTER)
  BV_QEMU_EVENT_CALLS(BV_REGISTER)
  BV_QEMU_MEMORY_CALLS(BV_REGISTER)
  BV_QEMU_VCPU_CALLS(BV_REGISTER)
  BV_QEMU_TUNING_CALLS(BV_REGISTER)
  BV_QEMU_CONSOLE_CALLS(BV_REGISTER)
  BV_QEMU_SAVE_CALLS(BV_REGISTER)
  BV_QEMU_DUMP_CALLS(BV_REGISTER)
  BV_QEMU_BLOCK_CALLS(BV_REGISTER)
  BV_QEMU_DEVICE_CALLS(BV_REGISTER)
  BV_QEMU_AGENT_CALLS(BV_REGISTER)
  BV_QEMU_MIGRATION_CALLS(BV_REGISTER)
  BV_QEMU_INTERFACE_CALLS(BV_REGISTER)
  BV_REGISTER(ConnectNumOfDomains)
  BV_REGISTER(ConnectNumOfDefinedDomains)
  BV_REGISTER(ConnectDomainEventRegister)
  BV_REGISTER(ConnectDomainEventDeregister)
#undef BV_REGISTER
  host_calls_->Register(service);
  cpu_calls_->Register(service);
  node_calls_.Register(service);
  stats_calls_.Register(service);
  block_job_calls_->Register(service);
  backup_calls_->Register(service);
  migration_calls_->Register(service);
  checkpoint_calls_->Register(service);
  snapshot_calls_->Register(service);
  namespace qproc = qemu_protocol::proc;
  service.On<qproc::DomainMonitorCommand>(this, &QemuDriver::DomainMonitorCommand);
  service.On<qproc::DomainAgentCommand>(this, &QemuDriver::DomainAgentCommand);
  service.On<qproc::ConnectDomainMonitorEventRegister>(this, &QemuDriver::ConnectDomainMonitorEventRegister);
  service.On<qproc::ConnectDomainMonitorEventDeregister>(this, &QemuDriver::ConnectDomainMonitorEventDeregister);
}

// --- definitions ---------------------------------------------------------------------------------

Task<std::unique_ptr<model::DomainDef>> QemuDriver::ReadXml(std::string xml, unsigned parse_flags) {
  std::function<void()> describe = [&] { model::ParseDomain(xml, parse_flags | model::kParseSkipChecks); };
  const bool validate = co_await xml::StillToValidate(parse_flags & model::kParseValidate, xml, "domain", "domain", describe);
  if (!validate) parse_flags &= ~unsigned{model::kParseValidate};
  // What the definition contradicts itself in is looked for when it is complete: ValidateDomain().
  auto def = std::make_unique<model::DomainDef>(model::ParseDomain(xml, parse_flags | model::kParseSkipChecks));
  model::CompleteDomain(*def, parse_flags);
  ResolveEmulator(*def);
  auto caps = co_await CapsOf(*def);
  PostParse(*def, *caps, *config_);
  co_return def;
}

Task<std::unique_ptr<model::DomainDef>> QemuDriver::ReadStored(std::string xml) {
  auto def = std::make_unique<model::DomainDef>(model::ParseDomain(xml, model::kParseInactive));
  try {
    ResolveEmulator(*def);
    auto caps = co_await CapsOf(*def);
    PostParseOptions options;
    options.new_domain = false;
    PostParse(*def, *caps, *config_, options);
  } catch (const Error& error) {
    // The emulator may have gone; the definition stays visible as it was written.
    LogWarn(kSource, "definition of '{}' cannot be completed: {}", def->name, error.message);
  }
  co_return def;
}

std::unique_ptr<model::DomainDef> QemuDriver::Copy(const model::DomainDef& def) {
  return std::make_unique<model::DomainDef>(
      model::ParseDomain(model::FormatDomain(def, model::kFormatInactive | model::kFormatSecure),
                         model::kParseInactive));
}

// With the CPU models of the guest's accelerator: they decide what its CPU can be.
Task<CapsPtr> QemuDriver::CapsOf(const model::DomainDef& def) {
  return caps_->Get(def.emulator, def.virt_type == model::VirtType::kKvm ? Accelerator::kKvm : Accelerator::kTcg);
}

Task<> QemuDriver::EnsureParsed(DomainPtr domain) {
  while (!domain->parsed()) {
    std::string text = domain->unparsed();
    auto def = co_await ReadStored(text);
    def->uuid = domain->uuid();  // a file that has none gets another one at each reading
    if (domain->unparsed() == text) domain->SetConfig(std::move(def));  // or else somebody was quicker, or a reload came
  }
}

DomainPtr QemuDriver::Find(const remote::NonnullDomain& dom) const {
  auto domain = domains_.FindUuid(dom.uuid);
  if (!domain)
    throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomain,
                fmt::format("no domain with matching uuid '{}' ({})", dom.uuid.ToString(), dom.name));
  return domain;
}

Task<DomainPtr> QemuDriver::Get(remote::NonnullDomain dom) {
  auto domain = Find(dom);
  if (!domain->parsed()) co_await EnsureParsed(domain);
  co_return domain;
}

Task<> QemuDriver::SaveConfig(DomainPtr domain) {
  auto* def = domain->config();
  if (!def) co_return;
  auto text = AutogeneratedHeader("edit", domain->name(), domain->uuid().ToString()) +
              model::FormatDomain(*def, model::kFormatInactive | model::kFormatSecure);
  auto path = ConfigPath(*domain);
  auto work = [text, path] { WriteFileAtomic(path, text, 0600); };
  co_await Offload(std::move(work));
  domain->on_disk = TextHash(text);
}

Task<> QemuDriver::DeleteConfig(DomainPtr domain) {
  auto path = ConfigPath(*domain), link = AutostartPath(*domain);
  auto work = [path, link] { RemoveDefinition(path, link, ErrorDomain::kDomain); };
  co_await Offload(std::move(work));
}

// --- which definition ----------------------------------------------------------------------------

QemuDriver::Impact QemuDriver::ResolveImpact(const Domain& domain, unsigned flags) {
  Impact impact;
  impact.live = flags & remote::kAffectLive;
  impact.config = flags & remote::kAffectConfig;
  if (!impact.live && !impact.config) (domain.active() ? impact.live : impact.config) = true;
  if (impact.live) RequireActive(domain);
  if (impact.config && !domain.persistent)
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationInvalid, "transient domains do not have any persistent config");
  return impact;
}

const model::DomainDef& QemuDriver::DefFor(const Domain& domain, unsigned flags) {
  constexpr unsigned kBoth = remote::kAffectLive | remote::kAffectConfig;
  if ((flags & kBoth) == kBoth) {
    Error error(ErrorDomain::kDomain, ErrorCode::kInvalidArg,
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
    throw error;
  }
  auto impact = ResolveImpact(domain, flags);
  return impact.config && domain.config() ? *domain.config() : domain.def();
}

QemuDriver::Defs QemuDriver::DefsFor(Domain& domain, Impact impact) {
  Defs defs;
  if (impact.live) defs.live = &domain.MutableDef();
  if (impact.config) defs.config = domain.MutableConfig();
  return defs;
}

Task<> QemuDriver::SaveChanged(DomainPtr domain, Impact impact) {
  domain->DefChanged();
  if (impact.live) guests_->SaveStatus(domain);
  if (impact.config) co_await SaveConfig(domain);
}

AgentChannel& QemuDriver::AgentOf(const DomainPtr& domain) {
  // A guest whose processors stand still cannot answer.
  if (domain->state() != State::kRunning)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
  if (!domain->guest || !domain->guest->agent)
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, "QEMU guest agent is not configured");
  if (!domain->guest->agent_connected)
    throw Error(ErrorDomain::kQemu, ErrorCode::kAgentUnresponsive, "QEMU guest agent is not connected");
  return *domain->guest->agent;
}

}  // namespace bv::qemu
