#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/driver.h"
#include "daemon/pid_file.h"
#include "protocol/qemu_protocol.h"
#include "protocol/remote.h"
#include "qemu/capabilities_cache.h"
#include "qemu/config.h"
#include "qemu/cpu_calls.h"
#include "qemu/domain_events.h"
#include "qemu/domain_list.h"
#include "qemu/guests.h"
#include "qemu/host_calls.h"
#include "qemu/node_calls.h"
#include "qemu/stats/stats_calls.h"
#include "rpc/service.h"

namespace bv {
struct DefinitionFile;
}

namespace bv::qemu {

// The procedures this driver answers, by the file their handlers are in. Every entry declares a
// method of QemuDriver and registers it.
// driver_lookup.cc
#define BV_QEMU_LOOKUP_CALLS(X)                                                                            \
  X(DomainLookupById) X(DomainLookupByName) X(DomainLookupByUuid) X(ConnectListDomains)                    \
  X(ConnectListDefinedDomains) X(ConnectListAllDomains) X(DomainIsActive) X(DomainIsPersistent)            \
  X(DomainIsUpdated) X(DomainGetOsType) X(DomainGetInfo) X(DomainGetState) X(DomainGetControlInfo)         \
  X(DomainGetXmlDesc) X(DomainGetMaxMemory) X(DomainGetMaxVcpus) X(DomainGetVcpusFlags)                    \
  X(DomainHasManagedSaveImage) X(DomainGetSecurityLabel) X(DomainGetSecurityLabelList)                     \
  X(ConnectDomainXmlToNative) X(DomainGetMessages) X(DomainGetLaunchSecurityInfo)
// driver_define.cc
#define BV_QEMU_DEFINE_CALLS(X)                                                                            \
  X(DomainDefineXml) X(DomainDefineXmlFlags) X(DomainUndefine) X(DomainUndefineFlags)                      \
  X(DomainGetAutostart) X(DomainSetAutostart) X(DomainRename) X(DomainGetMetadata) X(DomainSetMetadata)    \
  X(DomainSetLifecycleAction)
// driver_lifecycle.cc
#define BV_QEMU_LIFECYCLE_CALLS(X)                                                                         \
  X(DomainCreate) X(DomainCreateWithFlags) X(DomainCreateXml)                     \
  X(DomainShutdown) X(DomainShutdownFlags) X(DomainReboot) X(DomainReset)      \
  X(DomainDestroy) X(DomainDestroyFlags) X(DomainSuspend) X(DomainResume) X(DomainPmWakeup)                \
  X(DomainPmSuspendForDuration) X(DomainInjectNmi) X(DomainSendKey) X(DomainAbortJob) X(DomainGetJobInfo)  \
  X(DomainGetJobStats)
// driver_events.cc
#define BV_QEMU_EVENT_CALLS(X)                                                                             \
  X(ConnectDomainEventRegisterAny) X(ConnectDomainEventDeregisterAny)                                      \
  X(ConnectDomainEventCallbackRegisterAny) X(ConnectDomainEventCallbackDeregisterAny)
// driver_memory.cc
#define BV_QEMU_MEMORY_CALLS(X)                                                                            \
  X(DomainSetMemory) X(DomainSetMemoryFlags) X(DomainSetMaxMemory) X(DomainSetMemoryStatsPeriod)           \
  X(DomainMemoryStats) X(DomainMemoryPeek)
// driver_vcpus.cc
#define BV_QEMU_VCPU_CALLS(X)                                                                              \
  X(DomainSetVcpus) X(DomainSetVcpusFlags) X(DomainGetVcpus) X(DomainPinVcpu) X(DomainPinVcpuFlags)        \
  X(DomainGetVcpuPinInfo) X(DomainPinEmulator) X(DomainGetEmulatorPinInfo) X(DomainGetIothreadInfo)        \
  X(DomainPinIothread) X(DomainAddIothread) X(DomainDelIothread) X(DomainSetIothreadParams)
// driver_tuning.cc
#define BV_QEMU_TUNING_CALLS(X)                                                                            \
  X(DomainGetSchedulerType) X(DomainGetSchedulerParameters) X(DomainGetSchedulerParametersFlags)           \
  X(DomainSetSchedulerParameters) X(DomainSetSchedulerParametersFlags) X(DomainGetMemoryParameters)        \
  X(DomainSetMemoryParameters) X(DomainGetBlkioParameters) X(DomainSetBlkioParameters)                     \
  X(DomainGetNumaParameters) X(DomainSetNumaParameters) /* driver_perf.cc */ X(DomainGetPerfEvents) X(DomainSetPerfEvents)
// driver_console.cc
#define BV_QEMU_CONSOLE_CALLS(X) X(DomainOpenConsole) X(DomainOpenChannel) X(DomainScreenshot)            \
  X(DomainOpenGraphics) X(DomainOpenGraphicsFd)

// driver_migration.cc
#define BV_QEMU_MIGRATION_CALLS(X)                                                                         \
  X(DomainMigrateSetMaxSpeed) X(DomainMigrateGetMaxSpeed) X(DomainMigrateSetMaxDowntime)                   \
  X(DomainMigrateGetMaxDowntime) X(DomainMigrateSetCompressionCache) X(DomainMigrateGetCompressionCache)   \
  X(DomainStartDirtyRateCalc)
// driver_interface.cc
#define BV_QEMU_INTERFACE_CALLS(X) X(DomainGetInterfaceParameters) X(DomainSetInterfaceParameters)
// driver_agent.cc
#define BV_QEMU_AGENT_CALLS(X)                                                                             \
  X(DomainGetTime) X(DomainSetTime) X(DomainFsfreeze) X(DomainFsthaw) X(DomainFstrim) X(DomainGetFsinfo)   \
  X(DomainSetUserPassword) X(DomainAuthorizedSshKeysGet) X(DomainAuthorizedSshKeysSet)                     \
  X(DomainGetHostname) X(DomainInterfaceAddresses) X(DomainGetGuestVcpus) X(DomainSetGuestVcpus)           \
  X(DomainGetGuestInfo) X(DomainAgentSetResponseTimeout)
// driver_block.cc
#define BV_QEMU_BLOCK_CALLS(X)                                                                             \
  X(DomainBlockStats) X(DomainBlockStatsFlags) X(DomainGetBlockInfo) X(DomainGetDiskErrors)                \
  X(DomainSetBlockThreshold) X(DomainBlockPeek) X(DomainBlockResize) X(DomainGetBlockIoTune)               \
  X(DomainSetBlockIoTune)
// driver_devices.cc
#define BV_QEMU_DEVICE_CALLS(X)                                                                            \
  X(DomainAttachDevice) X(DomainAttachDeviceFlags) X(DomainDetachDevice) X(DomainDetachDeviceFlags)        \
  X(DomainDetachDeviceAlias) X(DomainUpdateDeviceFlags)
// driver_save.cc
#define BV_QEMU_SAVE_CALLS(X)                                                                              \
  X(DomainSave) X(DomainSaveFlags) X(DomainRestore) X(DomainRestoreFlags) X(DomainManagedSave)             \
  X(DomainManagedSaveRemove) X(DomainManagedSaveGetXmlDesc) X(DomainManagedSaveDefineXml)                  \
  X(DomainSaveImageGetXmlDesc) X(DomainSaveImageDefineXml)
// driver_dump.cc
#define BV_QEMU_DUMP_CALLS(X) X(DomainCoreDump) X(DomainCoreDumpWithFormat)

class BackupCalls;
class BlockJobCalls;
class BlockJobs;
class CheckpointCalls;
class LiveDevices;
class MigrationCalls;
class MigrationDestination;
class MigrationSource;
class MomentStore;
class SnapshotCalls;

class QemuDriver : public Driver {
 public:
  explicit QemuDriver(DriverEnvironment environment);
  ~QemuDriver() override;

  Task<> Start() override;
  Task<> Stop() override;
  Task<> Reload() override;
  void Register(Service& service) override;
  bool AcceptsUri(const Uri& uri) const override;
  bool IsHypervisor() const override { return true; }
  const DriverEnvironment& environment() const { return environment_; }
  std::string DefaultUri() const override;
  bool SupportsFeature(int feature) const override;
  bool HasActiveObjects() const override { return domains_.active() > 0; }
  // upgrade.cc
  void SaveState(Json& state, upgrade::PassedFds& fds) const override;
  void SaveClient(rpc::ClientSession& client, Json& state, upgrade::PassedFds& fds) const override;
  void RestoreState(const Json& state, upgrade::InheritedFds& fds) override;
  void RestoreClient(rpc::ClientSession& client, const Json& state, upgrade::InheritedFds& fds) override;
  void CheckState(const Json& state) const override;
  bool Quiet() const override;

 private:
  // Calls that are many and have state of their own.
  friend class BackupCalls;
  friend class BlockJobCalls;
  friend class CheckpointCalls;
  friend class MigrationCalls;
  friend class MigrationDestination;
  friend class MigrationSource;
  friend class SnapshotCalls;
#define BV_DECLARE(NAME) Task<remote::proc::NAME::Ret> NAME(Call& call, remote::proc::NAME::Args args);
  BV_QEMU_LOOKUP_CALLS(BV_DECLARE)
  BV_QEMU_DEFINE_CALLS(BV_DECLARE)
  BV_QEMU_LIFECYCLE_CALLS(BV_DECLARE)
  BV_QEMU_EVENT_CALLS(BV_DECLARE)
  BV_QEMU_MEMORY_CALLS(BV_DECLARE)
  BV_QEMU_VCPU_CALLS(BV_DECLARE)
  BV_QEMU_TUNING_CALLS(BV_DECLARE)
  BV_QEMU_CONSOLE_CALLS(BV_DECLARE)
  BV_QEMU_SAVE_CALLS(BV_DECLARE)
  BV_QEMU_DUMP_CALLS(BV_DECLARE)
  BV_QEMU_BLOCK_CALLS(BV_DECLARE)
  BV_QEMU_DEVICE_CALLS(BV_DECLARE)
  BV_QEMU_AGENT_CALLS(BV_DECLARE)
  BV_QEMU_MIGRATION_CALLS(BV_DECLARE)
  BV_QEMU_INTERFACE_CALLS(BV_DECLARE)
#undef BV_DECLARE
  Task<remote::ConnectNumOfDomainsRet> ConnectNumOfDomains(Call& call);
  Task<remote::ConnectNumOfDefinedDomainsRet> ConnectNumOfDefinedDomains(Call& call);
  Task<remote::ConnectDomainEventRegisterRet> ConnectDomainEventRegister(Call& call);
  Task<remote::ConnectDomainEventDeregisterRet> ConnectDomainEventDeregister(Call& call);
  Task<qemu_protocol::DomainMonitorCommandRet> DomainMonitorCommand(Call& call, qemu_protocol::DomainMonitorCommandArgs args);
  Task<qemu_protocol::DomainAgentCommandRet> DomainAgentCommand(Call& call, qemu_protocol::DomainAgentCommandArgs args);
  Task<qemu_protocol::ConnectDomainMonitorEventRegisterRet> ConnectDomainMonitorEventRegister(
      Call& call, qemu_protocol::ConnectDomainMonitorEventRegisterArgs args);
  Task<> ConnectDomainMonitorEventDeregister(Call& call, qemu_protocol::ConnectDomainMonitorEventDeregisterArgs args);

  // --- driver.cc: what handlers share ---

  // The domain that a client means. kNoDomain when it is not there.
  DomainPtr Find(const remote::NonnullDomain& dom) const;
  // The same with its definition parsed.
  Task<DomainPtr> Get(remote::NonnullDomain dom);
  Task<> EnsureParsed(DomainPtr domain);
  Task<CapsPtr> CapsOf(const model::DomainDef& def);
  // XML from a client, completed and checked.
  Task<std::unique_ptr<model::DomainDef>> ReadXml(std::string xml, unsigned parse_flags);
  Task<std::unique_ptr<model::DomainDef>> ReadStored(std::string xml);
  static std::unique_ptr<model::DomainDef> Copy(const model::DomainDef& def);

  // Writes or removes /etc/libvirt/qemu/NAME.xml.
  Task<> SaveConfig(DomainPtr domain);
  Task<> DeleteConfig(DomainPtr domain);
  std::string ConfigPath(const Domain& domain) const { return config_->dirs.config + "/" + domain.name() + ".xml"; }
  std::string AutostartPath(const Domain& domain) const { return config_->dirs.autostart + "/" + domain.name() + ".xml"; }
  std::string SavePath(const Domain& domain) const { return config_->dirs.save + "/" + domain.name() + ".save"; }

  // Which of the running and the persistent definition a call changes (VIR_DOMAIN_AFFECT_*).
  struct Impact {
    bool live = false, config = false;
  };
  static Impact ResolveImpact(const Domain& domain, unsigned flags);
  // The definition that a query is about.
  static const model::DomainDef& DefFor(const Domain& domain, unsigned flags);
  // Both as far as the impact goes, for changing; the other is null.
  struct Defs {
    model::DomainDef* live = nullptr;
    model::DomainDef* config = nullptr;
  };
  static Defs DefsFor(Domain& domain, Impact impact);
  // Writes what a change with this impact touched.
  Task<> SaveChanged(DomainPtr domain, Impact impact);

  Task<DomainPtr> Define(std::string xml, unsigned flags);
  Task<> Undefine(DomainPtr domain, unsigned flags);
  Task<> StartDomain(DomainPtr domain, unsigned flags, const char* api);
  Task<DomainPtr> CreateTransient(std::string xml, unsigned flags);
  // The domain that `def` is about to be started as: an inactive one, or a new transient one.
  Task<DomainPtr> AddForStart(const model::DomainDef& def);
  Task<> SaveTo(DomainPtr domain, std::string path, std::optional<std::string> dxml, unsigned flags, const char* api);
  Task<> DumpTo(DomainPtr domain, std::string path, unsigned format, unsigned flags);
  Task<> RestoreFrom(std::string path, std::optional<std::string> dxml, unsigned flags);
  Task<> StartFromImage(DomainPtr domain, std::unique_ptr<model::DomainDef> live, CapsPtr caps, std::shared_ptr<Fd> fd,
                        bool running);
  // query-blockstats of one disk, or the sum over all for an empty path.
  Task<Json> DiskStats(DomainPtr domain, std::string path);
  Task<bool> StartFromManagedSave(DomainPtr domain, bool paused);
  Task<> AutostartAll();
  Task<> LearnLiveCpu(DomainPtr domain);
  void RestoreDomains();
  void RestoreAutodestroy();

  // --- driver_reload.cc: what is on disk ---
  void LoadDefinitions();
  Task<> CheckDefinitions();
  DomainPtr AddDefinition(DefinitionFile file);
  Task<> ReloadDefinition(DefinitionFile file);
  Task<> TakeOver(DomainPtr domain, std::string path);

  Task<std::unique_ptr<CompletedJob>> RunningMigration(DomainPtr domain);
  Task<std::uint64_t> MigrationParameter(DomainPtr domain, const char* name);
  Task<> SetMigrationParameter(DomainPtr domain, const char* name, std::uint64_t value);
  Task<> OpenDisplay(DomainPtr domain, unsigned index, bool skip_auth, std::shared_ptr<Fd> socket);
  Task<> CallShutdown(DomainPtr domain, unsigned flags);
  Task<bool> ShutdownByAgent(DomainPtr domain, unsigned flags, bool reboot);
  // The agent of a running guest. kOperationInvalid when it does not run, kArgumentUnsupported when
  // the definition has none, kAgentUnresponsive when nobody listens in the guest.
  AgentChannel& AgentOf(const DomainPtr& domain);
  Task<Json> AskAgent(DomainPtr domain, const char* command, Json arguments = {});
  Task<> ChangeGuestVcpus(DomainPtr domain, std::vector<struct GuestVcpu> changed);
  // A copy of `def` changed by `change` and completed as at a definition, for what shall be stored.
  Task<std::unique_ptr<model::DomainDef>> ChangedConfig(DomainPtr domain, const std::function<void(model::DomainDef&)>& change);
  Task<> PlugVcpusTo(DomainPtr domain, unsigned count);
  // Turns processors on or off inside the guest until `count` are on.
  Task<> SetOnlineVcpus(DomainPtr domain, unsigned count);

  DriverEnvironment environment_;
  // Against another daemon that would manage the same guests, the original's among them.
  std::optional<PidFile> lock_;
  Fd inherited_lock_;  // of another image of this process
  // Why the configuration could not be used; thrown by Start().
  std::exception_ptr config_error_;
  std::shared_ptr<const QemuConfig> config_;
  std::unique_ptr<CapsCache> caps_;
  std::unique_ptr<HostCalls> host_calls_;
  std::unique_ptr<CpuCalls> cpu_calls_;
  NodeCalls node_calls_;
  StatsCalls stats_calls_{&domains_, [this](remote::NonnullDomain dom) { return Get(std::move(dom)); }};
  DomainList domains_;
  DomainEvents events_;
  std::unique_ptr<DiskLocks> locks_;
  std::unique_ptr<Guests> guests_;
  std::unique_ptr<LiveDevices> live_devices_;
  std::unique_ptr<MomentStore> moments_;
  std::unique_ptr<BlockJobs> block_jobs_;
  std::unique_ptr<BlockJobCalls> block_job_calls_;
  std::unique_ptr<SnapshotCalls> snapshot_calls_;
  std::unique_ptr<CheckpointCalls> checkpoint_calls_;
  std::unique_ptr<BackupCalls> backup_calls_;
  std::unique_ptr<MigrationCalls> migration_calls_;

  Json saved_domains_;  // by another image of this process, until they are here
  std::vector<std::pair<std::weak_ptr<rpc::ClientSession>, Uuid>> restored_autodestroy_;
};

// kInvalidArg, as libvirt's, when `flags` has others than `allowed`.
void CheckFlags(unsigned flags, unsigned allowed, const char* function);
void RequireActive(const Domain& domain);

}  // namespace bv::qemu
