// Starting a guest's process. The monitor's socket is made and connected before QEMU runs, so that
// everything it has to be told and asked waits for it there, in one go, when it comes up.

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>


#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "qemu/agent.h"
#include "qemu/assigned_devices.h"
#include "qemu/placement.h"
#include "qemu/command_line/build.h"
#include "qemu/command_line/filesystem.h"
#include "qemu/command_line/paths.h"
#include "qemu/command_line/prepare.h"
#include "qemu/device_acl.h"
#include "qemu/guest_audit.h"
#include "qemu/guest_helpers.h"
#include "qemu/guest_hooks.h"
#include "qemu/guest_limits.h"
#include "qemu/guest_log.h"
#include "qemu/guest_threads.h"
#include "qemu/guests.h"
#include "qemu/launch.h"
#include "qemu/macvtap.h"
#include "qemu/net_filters.h"
#include "qemu/net_limits.h"
#include "qemu/net_rules.h"
#include "qemu/network_ports.h"
#include "qemu/nvram.h"
#include "qemu/pci_passthrough.h"
#include "qemu/perf_counters.h"
#include "qemu/resource_control.h"
#include "qemu/secret_values.h"
#include "qemu/storage_chain.h"
#include "qemu/tap.h"
#include "qemu/vsock.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_process";
using namespace std::chrono_literals;

sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format("UNIX socket path '{}' too long", path));
  path.copy(address.sun_path, path.size());
  return address;
}

Fd ListenUnix(const std::string& path) {
  unlink(path.c_str());
  auto address = UnixAddress(path);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd.get(), 1) != 0)
    throw SystemError(ErrorDomain::kQemu, fmt::format("Unable to listen on UNIX socket '{}'", path));
  chmod(path.c_str(), 0775);
  return fd;
}

// Connects to a socket that listens already: this never waits.
Fd ConnectUnix(const std::string& path) {
  auto address = UnixAddress(path);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw SystemError(ErrorDomain::kQemu, "failed to connect to monitor socket");
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

void MakeGuestDir(const std::string& path, const QemuConfig& config) {
  MakeDirs(path, 0750);
  if (config.privileged && chown(path.c_str(), config.uid, config.gid) != 0)
    throw SystemError(ErrorDomain::kQemu, fmt::format("cannot change ownership of '{}'", path));
}

void WriteMasterKey(const std::string& path, const std::array<std::uint8_t, 32>& key, const QemuConfig& config) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || write(fd.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
      (config.privileged && fchown(fd.get(), config.uid, config.gid) != 0))
    throw SystemError(ErrorDomain::kQemu, fmt::format("failed to write master key file '{}'", path));
}

// What a handler needs of the file system before QEMU runs; made on a pool thread.
struct HostParts {
  Fd monitor;
  std::map<std::string, Fd> sockets;    // listening, by device alias
  std::map<std::string, TapDevice> taps;  // by device alias
  Cgroup cgroup;
};

struct HostRequest {
  std::string lib_dir, channel_dir, monitor_path;
  std::array<std::uint8_t, 32> key;
  std::vector<std::pair<std::string, std::string>> sockets;  // alias, path
  std::vector<TapRequest> taps;
  NvramPlan nvram;
  std::vector<OwnedFile> files;
  std::string partition, name;
  int id = -1;
  model::BlkioTune blkio;
  model::MemTune memory;
  model::CpuTune cpu;
  ThreadPlace emulator;
  std::vector<DeviceNode> devices;
};

HostParts MakeHostParts(const HostRequest& request, const QemuConfig& config) {
  HostParts parts;
  MakeGuestDir(request.lib_dir, config);
  MakeGuestDir(request.channel_dir, config);
  WriteMasterKey(request.lib_dir + "/master-key.aes", request.key, config);
  parts.monitor = ListenUnix(request.monitor_path);
  for (auto& [alias, path] : request.sockets) {
    auto fd = ListenUnix(path);
    if (config.privileged && chown(path.c_str(), config.uid, config.gid) != 0)
      throw SystemError(ErrorDomain::kQemu, fmt::format("cannot change ownership of '{}'", path));
    parts.sockets.emplace(alias, std::move(fd));
  }
  for (auto& tap : request.taps) parts.taps.emplace(tap.alias, OpenTap(tap));
  MakeNvram(request.nvram, config);
  if (config.dynamic_ownership) GiveFiles(request.files, config.uid, config.gid, config.remember_owner);
  // Last, since nothing else would remove it again.
  parts.cgroup = Cgroup::Create(config, request.partition, request.name, request.id);
  if (!parts.cgroup.available()) return parts;
  try {
    LimitGroup(parts.cgroup, request.blkio, request.memory, request.cpu);
    MakePlace(parts.cgroup, request.emulator);
    ConfineDevices(parts.cgroup, config, request.devices);
  } catch (const Error&) {
    parts.cgroup.Remove();
    throw;
  }
  return parts;
}

template <typename Visit>
void ForEachListeningSocket(model::DomainDef& def, Visit visit) {
  for (auto* list : {&def.serials, &def.parallels, &def.channels, &def.consoles}) {
    for (auto& chardev : *list) {
      bool twin = chardev->kind == model::ChardevKind::kConsole && chardev->console_target == model::ConsoleTarget::kSerial;
      if (!twin && chardev->source.type == model::ChardevType::kUnix && chardev->source.listen)
        visit(*chardev);
    }
  }
}

void AddLimits(const QemuConfig& config, Command& command) {
  auto add = [&](int resource, rlim_t value) { command.limits.emplace_back(resource, rlimit{value, value}); };
  // The highest number, as libvirt has it, which is one less than how many there are.
  if (config.max_files) add(RLIMIT_NOFILE, config.max_files + 1);
  if (config.max_processes) add(RLIMIT_NPROC, config.max_processes);
  add(RLIMIT_CORE, config.max_core == "unlimited" ? RLIM_INFINITY : std::stoull(config.max_core));
}

// Environment as libvirt gives it: nothing of the daemon's but PATH.
void SetEnvironment(CommandLine& line, const std::string& lib_dir, bool privileged) {
  if (!line.environment.empty()) return;
  auto* path = getenv("PATH");
  line.environment.emplace_back("LC_ALL", "C");
  line.environment.emplace_back("PATH", path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  auto home = privileged ? lib_dir : std::string(getenv("HOME") ? getenv("HOME") : "/");
  line.environment.emplace_back("HOME", home);
  line.environment.emplace_back("XDG_DATA_HOME", lib_dir + "/.local/share");
  line.environment.emplace_back("XDG_CACHE_HOME", lib_dir + "/.cache");
  line.environment.emplace_back("XDG_CONFIG_HOME", lib_dir + "/.config");
}

}  // namespace

void Guests::ReservePorts(Guest& guest, model::DomainDef& def) {
  for (auto& graphics : def.graphics) {
    bool vnc = graphics->type == model::GraphicsType::kVnc, spice = graphics->type == model::GraphicsType::kSpice;
    if (!vnc && !spice) continue;
    bool on_address = graphics->listens.empty();
    for (auto& listen : graphics->listens) {
      if (listen.type == model::ListenType::kAddress || listen.type == model::ListenType::kNetwork) on_address = true;
    }
    if (!on_address) continue;
    auto acquire = [&](int& port, PortAllocator& ports) {
      if (port > 0 && !graphics->autoport) {
        ports.Reserve(static_cast<unsigned>(port));
      } else {
        port = static_cast<int>(ports.Acquire());
      }
      guest.reserved_ports.push_back(static_cast<unsigned>(port));
    };
    if (graphics->autoport || graphics->port == -1 || graphics->port > 0) acquire(graphics->port, display_ports_);
    if (vnc && graphics->websocket == -1) {
      graphics->websocket = static_cast<int>(websocket_ports_.Acquire());
      guest.reserved_ports.push_back(static_cast<unsigned>(graphics->websocket));
    }
    if (spice && config_->spice_tls.enabled && (graphics->autoport || graphics->tls_port == -1))
      acquire(graphics->tls_port, display_ports_);
  }
}

Task<> Guests::Start(DomainPtr domain, std::unique_ptr<model::DomainDef> live, std::shared_ptr<const QemuCaps> caps,
                     StartOptions options) {
  auto owned = std::make_unique<Guest>();
  auto* guest = owned.get();
  guest->starting = true;
  guest->started = Clock::now();
  guest->caps = std::move(caps);
  domain->guest = std::move(owned);
  int id = next_id_++;
  domains_->SetLive(domain, std::move(live), id);
  domain->SetState(State::kPaused, paused::kStartingUp);
  std::exception_ptr failure;
  try {
    co_await StartProcess(domain, options);
    co_await Handshake(domain, options);
    if (domain->guest.get() == guest && !options.hold) co_await FinishStart(domain, options);
  } catch (...) {
    failure = std::current_exception();
  }
  if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "domain was destroyed while starting");
  AuditStart(*domain, options.started_detail, failure ? 0 : guest->pid, !failure);
  if (!failure) {
    guest->starting = false;
    guest->output.reset();
    co_return;
  }
  bool died = guest->pid > 0 && guest->monitor && !guest->monitor->open();
  if (died) {
    co_await guest->exited.Wait(In(1s));
    if (domain->guest.get() != guest) std::rethrow_exception(failure);
    events_->SendControlError(domain->Ref());
  }
  // The log is read before the clean-up writes to it.
  if (died) {
    auto told = co_await LaunchFailure(domain);
    failure = std::make_exception_ptr(std::move(told));
    if (domain->guest.get() != guest) std::rethrow_exception(failure);
  }
  if (guest->pid < 0) guest->exited.Set();
  co_await Stop(domain, shutoff::kFailed, -1);
  std::rethrow_exception(failure);
}

Task<> Guests::StartProcess(DomainPtr domain, StartOptions options) {
  auto* guest = domain->guest.get();
  auto config = config_;
  AuditLabel(*domain, *config);
  guest->lib_dir = fmt::format("{}/domain-{}", config->dirs.lib, ShortName(domain->def()));
  guest->channel_dir = ChannelTargetDir(domain->def(), *config);
  guest->monitor_path = guest->lib_dir + "/monitor.sock";
  guest->pid_file = fmt::format("{}/{}.pid", config->dirs.state, domain->name());
  guest->status_file = fmt::format("{}/{}.xml", config->dirs.state, domain->name());
  guest->log_file = fmt::format("{}/{}.log", config->dirs.log, domain->name());
  guest->remember_owner = config->remember_owner;
  if (getrandom(guest->master_key.data(), guest->master_key.size(), 0) != static_cast<ssize_t>(guest->master_key.size()))
    throw SystemError(ErrorDomain::kQemu, "failed to generate master key");

  co_await RunGuestHooks(*domain, "prepare");
  if (domain->guest.get() != guest) co_return;
  co_await CheckResourceControl(domain->def());
  if (domain->guest.get() != guest) co_return;
  auto& def = domain->MutableDef();
  ReservePorts(*guest, def);
  for (std::size_t i = 0; i < def.interfaces.size(); ++i) {
    std::string name = def.name;
    co_await ClaimNetworkPort(name, def.uuid, *def.interfaces[i]);
    if (domain->guest.get() != guest) co_return;
    co_await CheckConnection(*def.interfaces[i]);
    if (domain->guest.get() != guest) co_return;
  }
  co_await ResolveChains(def, *config);
  if (domain->guest.get() != guest) co_return;
  auto hostdevs = HostdevsOf(def);
  for (auto* hostdev : hostdevs) {
    co_await ChoosePciBackend(*hostdev);
    if (domain->guest.get() != guest) co_return;
    co_await ResolveHostdev(*hostdev);
    if (domain->guest.get() != guest) co_return;
  }
  BuildOptions build;
  build.master_key = guest->master_key;
  build.incoming_uri = options.incoming_uri;
  build.load_snapshot = options.load_snapshot;
  Prepare(&def, *guest->caps, *config, build);
  domain->DefChanged();
  guest->next_node = LastNode(def);
  // A drive without a medium has no image to be numbered.
  for (auto& disk : def.disks) {
    if (!disk->source.IsEmpty()) continue;
    disk->source.id = 0;
    disk->source.format = model::StorageFormat::kNone;
  }

  HostRequest request;
  request.lib_dir = guest->lib_dir;
  request.channel_dir = guest->channel_dir;
  request.monitor_path = guest->monitor_path;
  request.key = guest->master_key;
  ForEachListeningSocket(def, [&](model::Chardev& chardev) {
    if (!chardev.source.path.empty()) request.sockets.emplace_back(chardev.info.alias, chardev.source.path);
    if (chardev.target_name == "org.qemu.guest_agent.0")
      guest->agent = std::make_unique<AgentChannel>(chardev.source.path);
  });
  const bool memory_comes = options.incoming_fd >= 0 || !options.incoming_uri.empty();
  Helpers helpers = HelpersOf(def, *config, memory_comes);
  for (auto& fs : def.filesystems) {
    // Listening already when virtiofsd gets it, so that QEMU may connect at once.
    if (WantsFileDaemon(*fs)) request.sockets.emplace_back(fs->info.alias, VirtiofsSocket(*fs, guest->lib_dir));
  }
  for (auto& net : def.interfaces) {
    if (WantsTap(*net)) request.taps.push_back(MakeTapRequest(*net));
  }
  guest->output_through_logd = config->stdio_handler == "logd";
  request.files = OwnedFiles(def, guest->output_through_logd);
  request.nvram = PlanNvram(def, *config);
  request.partition = def.resource.partition;
  request.name = domain->name();
  request.id = domain->id();
  request.blkio = def.blkio;
  request.memory = def.memory.tune;
  request.cpu = def.cputune;
  request.emulator = EmulatorPlace(def);
  request.devices = DeviceNodes(def);
  auto lock_handle = co_await locks_->Prepare(def);
  if (domain->guest.get() != guest) co_return;
  auto output = co_await OpenOutput(domain);
  if (domain->guest.get() != guest) co_return;
  auto work = [request, config] { return MakeHostParts(request, *config); };
  auto parts = co_await Offload(std::move(work));
  if (domain->guest.get() != guest) co_return;
  guest->cgroup = parts.cgroup;
  for (auto& net : def.interfaces) {
    if (auto tap = parts.taps.find(net->info.alias); tap != parts.taps.end()) net->target.dev = tap->second.name;
  }
  co_await ClaimHostDevices(domain, parts.taps);
  if (domain->guest.get() != guest) co_return;

  build.fds["monitor"].socket = parts.monitor.get();
  for (auto& [alias, fd] : parts.sockets) build.fds[alias].socket = fd.get();
  for (auto& net : def.interfaces) {
    auto tap = parts.taps.find(net->info.alias);
    if (tap == parts.taps.end()) continue;
    for (auto& fd : tap->second.queues) build.fds[net->info.alias].tap.push_back(fd.get());
    for (auto& fd : tap->second.vhost) build.fds[net->info.alias].vhost.push_back(fd.get());
  }
  for (std::size_t i = 0; i < def.interfaces.size(); ++i) {
    auto limits = LimitsOf(*def.interfaces[i]);
    if (!limits || !parts.taps.contains(def.interfaces[i]->info.alias)) continue;
    co_await ApplyLimits(*def.interfaces[i], limits);
    if (domain->guest.get() != guest) co_return;
  }
  // Before a guest can send anything.
  for (std::size_t i = 0; i < def.interfaces.size(); ++i) {
    if (!parts.taps.contains(def.interfaces[i]->info.alias)) continue;
    std::string owner = def.name;
    co_await BindFilter(owner, def.uuid, *def.interfaces[i]);
    if (domain->guest.get() != guest) co_return;
  }
  for (auto& [alias, fds] : output) {
    if (alias.empty()) continue;
    build.fds[alias].file = fds.file.get();
    build.fds[alias].log = fds.log.get();
  }
  std::vector<Fd> vdpa;
  for (std::size_t i = 0; i < def.interfaces.size(); ++i) {
    if (def.interfaces[i]->type != model::InterfaceType::kVdpa) continue;
    std::string device = def.interfaces[i]->source_dev;
    auto open = [device] { return OpenVdpa(device); };
    vdpa.push_back(co_await Offload(std::move(open)));
    if (domain->guest.get() != guest) co_return;
    build.fds[def.interfaces[i]->info.alias].vhost_device = vdpa.back().get();
  }
  Fd vsock;
  if (def.vsock) {
    vsock = OpenVsock(*def.vsock);
    build.fds[def.vsock->info.alias].vhost_device = vsock.get();
  }
  auto build_line = [&] { return BuildCommandLine(def, *guest->caps, *config, build); };
  auto line = co_await BuildWithSecrets(build, build_line);
  if (domain->guest.get() != guest) co_return;
  // Sets that come later have other numbers.
  guest->next_fdset = static_cast<unsigned>(std::ranges::count(line.argv, "-add-fd"));
  SetEnvironment(line, guest->lib_dir, config->privileged);

  auto version = fmt::format("{}.{}.{}{}", guest->caps->version() / 1000000, guest->caps->version() / 1000 % 1000,
                             guest->caps->version() % 1000, guest->caps->package());
  int log = output.at("").log.get();
  auto banner = StartBanner(line, version);
  guest->taints = TaintsOf(def, *config);
  for (auto taint : guest->taints) banner += TaintLine(domain->id(), taint);
  auto write_banner = [log, banner] { return write(log, banner.data(), banner.size()); };
  if (co_await Offload(std::move(write_banner)) < 0)
    throw SystemError(ErrorDomain::kQemu, fmt::format("Unable to write to domain logfile {}", guest->log_file));
  guest->log_mark = co_await guest->output->End(guest->log_file);
  if (domain->guest.get() != guest) co_return;
  DescribePlacement(def, *config, guest->cgroup.available());
  domain->DefChanged();

  Command command;
  command.argv = line.argv;
  command.environment = line.environment;
  command.clear_environment = true;
  command.fds.push_back({log, 1});
  command.fds.push_back({log, 2});
  for (auto fd : line.fds) command.fds.push_back({fd, fd});
  if (lock_handle) {
    command.fds.push_back({lock_handle->fd(), lock_handle->fd()});
    command.in_child = [handle = lock_handle.get()] { return handle->ConnectInChild(); };
  }
  if (options.incoming_fd >= 0) command.fds.push_back({options.incoming_fd, options.incoming_fd});
  if (config->privileged) {
    command.uid = config->uid;
    command.gid = config->gid;
    command.groups = config->groups;
    command.capabilities = 0;
  }
  command.file_mask = 002;
  command.new_session = true;
  guest->cgroup.Contain(command);
  BeginAtPlace(def, *config, &command);
  AddLimits(*config, command);

  co_await RunGuestHooks(*domain, "start");
  if (domain->guest.get() != guest) co_return;
  std::map<std::string, HelperFds> helper_fds;
  for (auto& daemon : helpers.files) {
    helper_fds[daemon.alias] = {parts.sockets.at(daemon.alias).get(), output.at(daemon.alias).log.get()};
  }
  co_await StartHelpers(std::move(helpers), config, guest->cgroup, std::move(helper_fds));
  if (domain->guest.get() != guest) co_return;
  auto monitor = ConnectUnix(guest->monitor_path);
  auto launch = [&command, pid_file = guest->pid_file] { return LaunchNoted(command, pid_file); };
  auto child = co_await Offload(std::move(launch));
  if (domain->guest.get() != guest) {
    child.Signal(SIGKILL);
    co_return;
  }
  guest->child = std::move(child);
  guest->pid = guest->child.pid();
  ConnectMonitor(domain, std::move(monitor));
  Spawn(WatchExit(domain), "qemu exit");
  SaveStatus(domain);
  CheckProcess(def, guest->pid);
  co_await EnablePerfEvents(domain->uuid(), def.perf, guest->pid);
  if (domain->guest.get() != guest) {
    PerfCounters::Drop(domain->uuid());
    co_return;
  }
  co_await locks_->Register(std::move(lock_handle), LockOwner(*domain));
}

}  // namespace bv::qemu
