#include "qemu/live_devices.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "qemu/assigned_devices.h"
#include "qemu/block_tune.h"
#include "qemu/command_line/chardev.h"
#include "qemu/command_line/controller.h"
#include "qemu/command_line/device.h"
#include "qemu/command_line/disk.h"
#include "qemu/command_line/hostdev.h"
#include "qemu/command_line/net.h"
#include "qemu/command_line/paths.h"
#include "qemu/command_line/small_devices.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/device_defaults.h"
#include "qemu/defaults/each_device.h"
#include "qemu/network_ports.h"
#include "qemu/defaults/validate.h"
#include "qemu/device_acl.h"
#include "qemu/device_change.h"
#include "qemu/guest_limits.h"
#include "qemu/output_keeper.h"
#include "qemu/pci_passthrough.h"
#include "qemu/plug_steps.h"
#include "qemu/storage_chain.h"
#include "qemu/net_filters.h"
#include "qemu/net_limits.h"
#include "qemu/net_rules.h"
#include "qemu/macvtap.h"
#include "qemu/tap.h"
#include "qemu/vsock.h"

namespace bv::qemu {
namespace {

using namespace model;
using namespace std::chrono_literals;

constexpr const char* kSource = "qemu.qemu_hotplug";
// How long a call waits for the guest to let go of a device.
constexpr auto kUnplugLimit = 5s;

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

std::unique_ptr<DomainDef> CopyLive(const DomainDef& live) {
  return std::make_unique<DomainDef>(
      ParseDomain(FormatDomain(live, kFormatStatus | kFormatSecure), kParseStatus | kParseSkipChecks));
}

// --- the kinds of devices that can come and go while a guest runs ---------------------------------

template <typename T>
constexpr bool kPluggable =
    std::is_same_v<T, Disk> || std::is_same_v<T, Controller> || std::is_same_v<T, Interface> || std::is_same_v<T, Hostdev> ||
    std::is_same_v<T, Chardev> || std::is_same_v<T, Rng> || std::is_same_v<T, MemoryDevice> || std::is_same_v<T, Watchdog> ||
    std::is_same_v<T, Input> || std::is_same_v<T, Redirdev> || std::is_same_v<T, Vsock> || std::is_same_v<T, Shmem> ||
    std::is_same_v<T, Filesystem>;

void Describe(const Disk& d, const Context& context, CommandLine* out) { AddDisk(d, context, out); }
void Describe(const Controller& d, const Context& context, CommandLine* out) {
  if (auto props = DescribeController(d, context)) AddDevice(*props, d.info, context, out);
}
void Describe(const Interface& d, const Context& context, CommandLine* out) {
  auto& actual = d.actual ? d.actual->connection : d;
  if (actual.type == InterfaceType::kHostdev) AddHostdev(*actual.hostdev, d.info, context, out);
  else AddInterface(d, context, out);
}
void Describe(const Hostdev& d, const Context& context, CommandLine* out) { AddHostdev(d, d.info, context, out); }
void Describe(const Chardev& d, const Context& context, CommandLine* out) { AddCharacterDevice(d, context, out); }
void Describe(const Rng& d, const Context& context, CommandLine* out) { AddRng(d, context, out); }
void Describe(const MemoryDevice& d, const Context& context, CommandLine* out) { AddMemoryDevice(d, context, out); }
void Describe(const Watchdog& d, const Context& context, CommandLine* out) { AddWatchdog(d, context, out); }
void Describe(const Input& d, const Context& context, CommandLine* out) { AddInput(d, context, out); }
void Describe(const Redirdev& d, const Context& context, CommandLine* out) { AddRedirdev(d, context, out); }
void Describe(const Vsock& d, const Context& context, CommandLine* out) { AddVsock(d, context, out); }
void Describe(const Shmem& d, const Context& context, CommandLine* out) { AddShmem(d, context, out); }

// --- may it come? ---------------------------------------------------------------------------------

template <typename T>
void CheckPluggable(DomainDef&, const T&) {}
void CheckPluggable(DomainDef&, const Disk& disk) {
  if (disk.device == DiskDevice::kFloppy) Fail(ErrorCode::kOperationUnsupported, "floppy device hotplug isn't supported");
  if (disk.bus == DiskBus::kIde || disk.bus == DiskBus::kFdc || disk.bus == DiskBus::kSd)
    Fail(ErrorCode::kOperationUnsupported, "disk device bus '{}' cannot be hotplugged.", ToString(disk.bus));
}
void CheckPluggable(DomainDef& live, const Controller& controller) {
  if (controller.type != ControllerType::kScsi)
    Fail(ErrorCode::kOperationUnsupported, "'{}' controller cannot be hot plugged.", ToString(controller.type));
  if (controller.index && FindDevice(live, controller))
    Fail(ErrorCode::kOperationFailed, "target {}:{} already exists", ToString(controller.type), *controller.index);
}
void CheckPluggable(DomainDef&, const Input& input) {
  if (input.bus != InputBus::kUsb && input.bus != InputBus::kVirtio && input.type != InputType::kEvdev)
    Fail(ErrorCode::kOperationUnsupported, "input device on bus '{}' cannot be hot plugged.", ToString(input.bus));
}
void CheckPluggable(DomainDef&, const Filesystem& fs) {
  if (fs.driver != FsDriver::kVirtiofs) Fail(ErrorCode::kOperationUnsupported, "only virtiofs filesystems can be hotplugged");
  Fail(ErrorCode::kOperationUnsupported, "virtiofs needs a server, which is not started for a running guest");
}
void CheckPluggable(DomainDef& live, const Watchdog&) {
  if (!live.watchdogs.empty()) Fail(ErrorCode::kOperationInvalid, "domain already has a watchdog");
}
void CheckPluggable(DomainDef& live, const Vsock&) {
  if (live.vsock) Fail(ErrorCode::kOperationInvalid, "the domain already has a vsock device");
}

// --- may it go? -----------------------------------------------------------------------------------

template <typename T>
[[noreturn]] void NotFound(const T&) {
  Fail(ErrorCode::kDeviceMissing, "device not present in domain configuration");
}
[[noreturn]] void NotFound(const Disk& d) { Fail(ErrorCode::kDeviceMissing, "disk {} not found", d.dst); }
[[noreturn]] void NotFound(const Controller& d) {
  Fail(ErrorCode::kDeviceMissing, "controller {}:{} not found", ToString(d.type), d.index.value_or(0));
}
[[noreturn]] void NotFound(const Interface& d) { ThrowMissing(d); }
[[noreturn]] void NotFound(const Chardev& d) {
  Fail(ErrorCode::kDeviceMissing, "chr type '{}' device not present in domain configuration", ToString(d.kind));
}
[[noreturn]] void NotFound(const Watchdog& d) {
  Fail(ErrorCode::kDeviceMissing, "model '{}' watchdog device not present in domain configuration", ToString(d.model));
}
[[noreturn]] void NotFound(const Rng& d) {
  Fail(ErrorCode::kDeviceMissing, "model '{}' RNG device not present in domain configuration", ToString(d.backend));
}
[[noreturn]] void NotFound(const MemoryDevice& d) {
  Fail(ErrorCode::kDeviceMissing, "model '{}' memory device not present in the domain configuration", ToString(d.model));
}
[[noreturn]] void NotFound(const Shmem& d) {
  Fail(ErrorCode::kDeviceMissing, "model '{}' shmem device not present in domain configuration", ToString(d.model));
}
[[noreturn]] void NotFound(const Redirdev&) { Fail(ErrorCode::kDeviceMissing, "no matching redirdev was not found"); }
[[noreturn]] void NotFound(const Input&) { Fail(ErrorCode::kDeviceMissing, "matching input device not found"); }
[[noreturn]] void NotFound(const Vsock&) { Fail(ErrorCode::kDeviceMissing, "matching vsock device not found"); }
[[noreturn]] void NotFound(const Filesystem&) { Fail(ErrorCode::kDeviceMissing, "matching filesystem not found"); }
[[noreturn]] void NotFound(const Hostdev& d) {
  switch (d.type) {
    case HostdevType::kPci: {
      auto& pci = d.pci.address;
      Fail(ErrorCode::kDeviceMissing, "host pci device {:04x}:{:02x}:{:02x}.{:x} not found", pci.domain, pci.bus, pci.slot,
           pci.function);
    }
    case HostdevType::kUsb:
      if (d.usb.bus && d.usb.device)
        Fail(ErrorCode::kDeviceMissing, "host usb device {:03}.{:03} not found", *d.usb.bus, *d.usb.device);
      Fail(ErrorCode::kDeviceMissing, "host usb device vendor=0x{:04x} product=0x{:04x} not found", d.usb.vendor.value_or(0),
           d.usb.product.value_or(0));
    case HostdevType::kScsi:
      Fail(ErrorCode::kDeviceMissing, "host scsi device {}:{}:{}.{} not found", d.scsi.adapter, d.scsi.bus, d.scsi.target,
           d.scsi.unit);
    default:
      Fail(ErrorCode::kDeviceMissing, "hostdev type '{}' not found", ToString(d.type));
  }
}

// Kinds that never go are refused before they are looked for.
template <typename T>
void CheckKind(const T&) {}
void CheckKind(const Controller& d) {
  if (d.type != ControllerType::kScsi)
    Fail(ErrorCode::kOperationUnsupported, "'{}' controller cannot be hot unplugged.", ToString(d.type));
}

template <typename T>
void CheckUnpluggable(const DomainDef&, const T&) {}
void CheckUnpluggable(const DomainDef&, const Disk& d) {
  if (d.device == DiskDevice::kFloppy) Fail(ErrorCode::kOperationUnsupported, "disk device type '{}' cannot be detached", ToString(d.device));
  bool removable_bus = d.bus == DiskBus::kScsi || d.bus == DiskBus::kUsb;
  if (d.device == DiskDevice::kCdrom && !removable_bus)
    Fail(ErrorCode::kOperationUnsupported, "disk device type '{}' cannot be detached", ToString(d.device));
  if (d.bus != DiskBus::kVirtio && !removable_bus)
    Fail(ErrorCode::kOperationUnsupported, "This type of disk cannot be hot unplugged");
}
void CheckUnpluggable(const DomainDef& live, const Controller& d) {
  auto uses = [&](auto& device) {
    return device->info.address.type == AddressType::kDrive && device->info.address.drive.controller == d.index.value_or(0);
  };
  bool by_disk = std::ranges::any_of(live.disks, [&](auto& disk) { return disk->bus == DiskBus::kScsi && uses(disk); });
  bool by_hostdev = std::ranges::any_of(live.hostdevs, [&](auto& dev) { return dev->type == HostdevType::kScsi && uses(dev); });
  if (by_disk || by_hostdev) Fail(ErrorCode::kOperationFailed, "device cannot be detached: device is busy");
}
void CheckUnpluggable(const DomainDef&, const Input& d) {
  if (d.bus != InputBus::kUsb && d.bus != InputBus::kVirtio && d.type != InputType::kEvdev)
    Fail(ErrorCode::kOperationUnsupported, "input device on bus '{}' cannot be detached", ToString(d.bus));
}

// --- memory as the figures have it ------------------------------------------------------------------

void CountMemory(DomainDef& live, KiB plus, KiB minus) {
  bool all = live.memory.current.value_or(live.memory.total) == live.memory.total;
  live.memory.total += plus;
  live.memory.total -= minus;
  if (live.memory.current) live.memory.current = all ? live.memory.total : std::min(*live.memory.current, live.memory.total);
}

}  // namespace

// What a device has on the host besides QEMU; given back unless it was plugged.
struct LiveDevices::Plug {
  BuildOptions options;
  std::vector<Fd> keep;
  std::vector<OwnedFile> given;
  std::vector<std::string> filtered;  // interfaces
  std::vector<MacvtapTrace> macvtaps;
  std::vector<AssignedDevice> assigned;
  StorageSource* locked = nullptr;
};

namespace {

// Descriptors for what a character device writes into.
Task<> OpenFiles(const QemuConfig& config, const Domain& domain, const ChardevSource& source, std::string alias,
                 std::vector<Fd>& keep, BuildOptions& options) {
  bool file = source.type == ChardevType::kFile, log = !source.log_file.empty();
  if (!file && !log) co_return;
  auto path = source.path, log_path = source.log_file;
  bool append = source.append == OnOff::kOn, log_append = source.log_append == OnOff::kOn;
  auto output = co_await OutputKeeper::Make(config, domain.uuid(), domain.name());
  auto& fds = options.fds[alias];
  if (file) {
    keep.push_back(co_await output->OpenFile(path, append));
    fds.file = keep.back().get();
  }
  if (log) {
    keep.push_back(co_await output->OpenFile(log_path, log_append));
    fds.log = keep.back().get();
  }
}

ChardevSource* BackEndOf(Chardev& d) { return &d.source; }
ChardevSource* BackEndOf(Redirdev& d) { return &d.source; }
ChardevSource* BackEndOf(Rng& d) { return d.backend == RngBackend::kEgd ? &d.source : nullptr; }
template <typename T>
ChardevSource* BackEndOf(T&) {
  return nullptr;
}

// The host's end of an interface that is plugged: up at once, as the original has it.
Task<TapDevice> OpenInterface(const Interface& net, const std::string& state_dir) {
  if (!WantsMacvtap(net)) {
    auto open = [request = MakeTapRequest(net)] { return OpenTap(request); };
    co_return co_await Offload(std::move(open));
  }
  auto open = [request = MakeMacvtapRequest(net, state_dir)] {
    TapDevice tap = OpenMacvtap(request);
    MacvtapTrace made{request.name, request.lower, request.mode == MacvtapMode::kPassthrough};
    try {
      RaiseMacvtaps({made});
    } catch (const Error&) {
      RemoveMacvtaps({made}, request.state_dir);
      throw;
    }
    return tap;
  };
  co_return co_await Offload(std::move(open));
}

// The device of the host that is handed over with it.
template <typename T>
Hostdev* HostdevBehind(T&) {
  return nullptr;
}
Hostdev* HostdevBehind(Hostdev& d) { return &d; }
Hostdev* HostdevBehind(Interface& d) {
  Interface& connection = d.actual ? d.actual->connection : d;
  return connection.type == InterfaceType::kHostdev ? &*connection.hostdev : nullptr;
}

// Where a channel listens that says nothing itself, as at a start.
void NameSocket(Chardev& chardev, const DomainDef& def, const QemuConfig& config) {
  if (chardev.kind != ChardevKind::kChannel || chardev.source.type != ChardevType::kUnix || !chardev.source.path.empty()) return;
  chardev.source.path = fmt::format("{}/{}", ChannelTargetDir(def, config), chardev.target_name);
  chardev.source.listen = true;
}

}  // namespace

// --- coming -----------------------------------------------------------------------------------------

Task<> LiveDevices::Attach(DomainPtr domain, DomainDef one) {
  guests_->MonitorOf(domain);
  auto* guest = domain->guest.get();
  auto& live = domain->MutableDef();
  // A medium for a drive that is there.
  if (!one.disks.empty() && one.disks[0]->device != DiskDevice::kDisk && one.disks[0]->device != DiskDevice::kLun) {
    if (auto* drive = FindDevice(live, *one.disks[0])) {
      co_await UpdateDisk(domain, *drive, std::move(one.disks[0]), false);
      domain->DefChanged();
      co_await guests_->StoreStatus(domain);
      co_return;
    }
  }
  if (!one.leases.empty()) {
    co_await guests_->LockLease(domain, *one.leases[0]);
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
    domain->MutableDef().leases.push_back(std::move(one.leases[0]));
    domain->DefChanged();
    co_await guests_->StoreStatus(domain);
    co_return;
  }
  if (!one.interfaces.empty() && one.interfaces[0]->type == InterfaceType::kNetwork && !one.interfaces[0]->actual) {
    // What it is connected to comes before all else; then as an interface that knows.
    CompleteInterface(live, *guest->caps, *one.interfaces[0]);
    std::string name = domain->name();
    co_await ClaimNetworkPort(name, domain->uuid(), *one.interfaces[0]);
    auto ports = NetworkPortsOf(one);
    std::exception_ptr failed;
    try {
      co_await Attach(domain, std::move(one));
    } catch (...) {
      failed = std::current_exception();
    }
    if (!failed) co_return;
    co_await ReleaseNetworkPorts(ports);
    std::rethrow_exception(failed);
  }
  auto wanted = CopyLive(live);
  auto* whole = wanted.get();
  bool is_chardev = false, is_disk = false;
  std::function<Task<>()> plug;
  VisitDevice(one, [&](auto& device, auto place) {
    using T = std::decay_t<decltype(*device)>;
    if constexpr (kPluggable<T>) {
      CheckPluggable(live, *device);
      is_chardev = std::is_same_v<T, Chardev>;
      is_disk = std::is_same_v<T, Disk>;
      auto* raw = device.get();
      if constexpr (std::is_same_v<T, Vsock>) whole->vsock = std::move(device);
      else (whole->*place).push_back(std::move(device));
      plug = [this, &domain, &wanted, raw] { return AttachOne(domain, std::move(wanted), raw); };
    } else {
      Fail(ErrorCode::kOperationUnsupported, "live attach of device '{}' is not supported", DeviceKind(one));
    }
  });
  if (!plug) Fail(ErrorCode::kInternalError, "no device");
  PostParse(*whole, *guest->caps, *config_, {.new_domain = false});
  CompleteDomain(*whole, 0);
  CheckDomain(*whole);
  ValidateDomain(*whole, *guest->caps, *config_);
  AssignAliases(*whole);
  // The order of <os><boot> was settled when the guest started; a new device has a place of its own or none.
  whole->os.boot.clear();
  // What the device sits on comes first; only SCSI's can be had while a guest runs.
  for (std::size_t i = 0; i < whole->controllers.size(); ++i) {
    auto* controller = whole->controllers[i].get();
    bool itself = !one.controllers.empty() || FindDevice(live, *controller);
    if (itself) continue;
    if (is_chardev && controller->type == ControllerType::kVirtioSerial)
      throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "no virtio-serial controllers are available");
    if (!is_disk || controller->type != ControllerType::kScsi)
      throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "No more available PCI slots");
    DomainDef below;
    below.controllers.push_back(std::make_unique<Controller>(*controller));
    co_await Attach(domain, std::move(below));
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  }
  co_await plug();
}

template <typename T>
Task<> LiveDevices::AttachOne(DomainPtr domain, std::unique_ptr<DomainDef> wanted, T* device) {
  auto* guest = domain->guest.get();
  guests_->MonitorOf(domain);
  auto alias = device->info.alias;
  Plug plug;
  plug.options = OptionsFor(*guest);
  std::exception_ptr failure;
  try {
    if constexpr (std::is_same_v<T, Disk>) {
      co_await ResolveChain(&device->source, *config_);
      for (auto* image = &device->source; image && !image->IsTerminator(); image = image->backing.get()) {
        if (!image->IsEmpty()) image->id = ++guest->next_node;
      }
      co_await guests_->LockImage(domain, device->source);
      plug.locked = &device->source;
      auto files = OwnedFiles(*device);
      if (config_->dynamic_ownership) {
        auto give = [files, config = config_] { GiveFiles(files, config->uid, config->gid, config->remember_owner); };
        co_await Offload(std::move(give));
        plug.given = std::move(files);
      }
    } else if constexpr (std::is_same_v<T, Interface>) {
      co_await CheckConnection(*device);
      if (device->type == InterfaceType::kVdpa) {
        auto open = [path = device->source_dev] { return OpenVdpa(path); };
        plug.keep.push_back(co_await Offload(std::move(open)));
        plug.options.fds[alias].vhost_device = plug.keep.back().get();
        if (domain->guest.get() == guest) LimitLockedMemory(*wanted, guest->pid);
      }
      if (WantsTap(*device) || WantsMacvtap(*device)) {
        auto tap = co_await OpenInterface(*device, config_->dirs.state);
        device->target.dev = tap.name;
        if (WantsMacvtap(*device)) plug.macvtaps.push_back(MacvtapTraceOf(*device));
        if (LimitsOf(*device)) co_await ApplyLimits(*device, LimitsOf(*device));
        if (device->filter) plug.filtered.push_back(tap.name);
        std::string owner = domain->name();
        co_await BindFilter(owner, domain->uuid(), *device);
        auto& fds = plug.options.fds[alias];
        auto pass = [&](std::vector<Fd>& queues, std::vector<int>& numbers) {
          for (auto& fd : queues) {
            numbers.push_back(fd.get());
            plug.keep.push_back(std::move(fd));
          }
        };
        pass(tap.queues, fds.tap);
        pass(tap.vhost, fds.vhost);
      }
    } else if constexpr (std::is_same_v<T, Vsock>) {
      plug.keep.push_back(OpenVsock(*device));
      plug.options.fds[alias].vhost_device = plug.keep.back().get();
    } else if constexpr (std::is_same_v<T, Chardev>) {
      NameSocket(*device, *wanted, *config_);
    }
    if (Hostdev* assigned_device = HostdevBehind(*device)) {
      co_await ChoosePciBackend(*assigned_device);
      co_await ResolveHostdev(*assigned_device);
      auto assigned = AssignedDevices(*assigned_device);
      DeviceClaims::Owner owner{domain->uuid(), domain->name()};
      co_await ClaimDevices(assigned, owner);
      plug.assigned = assigned;
      co_await DetachFromHost(assigned);
      if (config_->dynamic_ownership) {
        auto give = [assigned_device, config = config_] {
          auto files = OwnedFiles(*assigned_device);
          GiveFiles(files, config->uid, config->gid, config->remember_owner);
          return files;
        };
        plug.given = co_await Offload(std::move(give));
      }
      if (domain->guest.get() == guest) LimitLockedMemory(*wanted, guest->pid);
    }
    if (auto* source = BackEndOf(*device)) co_await OpenFiles(*config_, *domain, *source, alias, plug.keep, plug.options);
    co_await AllowNodes(*guest, DeviceNodes(*wanted));
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
    DescribeDevice describe = [&](const Context& context, CommandLine* out) {
      if constexpr (!std::is_same_v<T, Filesystem>) Describe(*device, context, out);
    };
    auto steps = co_await StepsToAdd(domain, *wanted, *config_, plug.options, describe);
    auto terminals = co_await RunSteps(guests_, domain, std::move(steps));
    if (auto* source = BackEndOf(*device); source && !terminals.empty()) source->path = terminals.front();
  } catch (...) {
    failure = std::current_exception();
  }
  const bool gone = domain->guest.get() != guest;
  if (gone || failure) {
    // None of this is known to the guest's own end.
    auto undo = [assigned = plug.assigned, macvtaps = std::move(plug.macvtaps), config = config_] {
      RemoveMacvtaps(macvtaps, config->dirs.state);
      ReattachToHost(assigned);
    };
    co_await Offload(std::move(undo));
    DeviceClaims::Get().Release(plug.assigned, domain->uuid());
  }
  if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  if (failure) {
    auto take_back = [given = std::move(plug.given), remember = guest->remember_owner, cgroup = guest->cgroup,
                      with = DeviceNodes(*wanted), without = DeviceNodes(domain->def())] {
      GiveBackFiles(given, remember);
      DenyDevices(cgroup, with, without);
    };
    co_await Offload(std::move(take_back));
    co_await UnbindFilters(std::move(plug.filtered));
    if (plug.locked) co_await guests_->UnlockImage(domain, *plug.locked);
    std::rethrow_exception(failure);
  }

  // From here on the device is there, whatever becomes of the rest.
  auto& live = domain->MutableDef();
  std::vector<MonitorCommand> commands;
  if constexpr (std::is_same_v<T, Disk>) {
    if (HasThrottle(device->iotune)) commands.push_back(ThrottleCommand(*device));
  } else if constexpr (std::is_same_v<T, Interface>) {
    if (device->link == LinkState::kDown) {
      auto& command = commands.emplace_back();
      command.name = "set_link";
      command.arguments = Props().Add("name", alias).Add("up", false).json();
    }
  } else if constexpr (std::is_same_v<T, MemoryDevice>) {
    CountMemory(live, device->size, 0);
  }
  if constexpr (std::is_same_v<T, Vsock>) {
    live.vsock = std::move(wanted->vsock);
  } else {
    auto move = [&](auto& from, auto& to) {
      auto at = std::ranges::find(from, device, [](auto& each) { return each.get(); });
      if (at == from.end()) return;
      auto place = std::min<std::size_t>(static_cast<std::size_t>(at - from.begin()), to.size());
      to.insert(to.begin() + static_cast<std::ptrdiff_t>(place), std::move(*at));
    };
    if constexpr (std::is_same_v<T, Disk>) move(wanted->disks, live.disks);
    if constexpr (std::is_same_v<T, Controller>) move(wanted->controllers, live.controllers);
    if constexpr (std::is_same_v<T, Interface>) move(wanted->interfaces, live.interfaces);
    if constexpr (std::is_same_v<T, Hostdev>) move(wanted->hostdevs, live.hostdevs);
    if constexpr (std::is_same_v<T, Rng>) move(wanted->rngs, live.rngs);
    if constexpr (std::is_same_v<T, MemoryDevice>) move(wanted->memory_devices, live.memory_devices);
    if constexpr (std::is_same_v<T, Watchdog>) move(wanted->watchdogs, live.watchdogs);
    if constexpr (std::is_same_v<T, Input>) move(wanted->inputs, live.inputs);
    if constexpr (std::is_same_v<T, Redirdev>) move(wanted->redirdevs, live.redirdevs);
    if constexpr (std::is_same_v<T, Shmem>) move(wanted->shmems, live.shmems);
    if constexpr (std::is_same_v<T, Chardev>) {
      move(wanted->serials, live.serials);
      move(wanted->parallels, live.parallels);
      move(wanted->consoles, live.consoles);
      move(wanted->channels, live.channels);
    }
  }
  guest->devices.insert(alias);
  domain->DefChanged();
  co_await guests_->StoreStatus(domain);
  if (domain->guest.get() != guest) co_return;
  // libvirt tells of memory under the name of what is behind it.
  events_->SendDeviceAdded(domain->Ref(), std::is_same_v<T, MemoryDevice> ? "mem" + alias : alias);
  if (!commands.empty()) {
    auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
    for (auto& reply : replies) reply.Value();
  }
}

// --- going ------------------------------------------------------------------------------------------

// A lease is nothing to QEMU.
Task<> LiveDevices::DetachLease(DomainPtr domain, std::unique_ptr<Lease> wanted) {
  auto* guest = domain->guest.get();
  auto* lease = FindDevice(domain->MutableDef(), *wanted);
  if (!lease) Fail(ErrorCode::kInvalidArg, "Lease {} in lockspace {} does not exist", wanted->key, wanted->lockspace);
  co_await guests_->UnlockLease(domain, *lease);
  if (domain->guest.get() != guest) co_return;
  auto& live = domain->MutableDef();
  RemoveDevice(live, FindDevice(live, *wanted));
  domain->DefChanged();
  co_await guests_->StoreStatus(domain);
}

Task<> LiveDevices::Detach(DomainPtr domain, DomainDef one) {
  guests_->MonitorOf(domain);
  if (!one.leases.empty()) {
    co_await DetachLease(domain, std::move(one.leases[0]));
    co_return;
  }
  auto& live = domain->MutableDef();
  std::string alias;
  VisitDevice(one, [&](auto& device, auto) {
    using T = std::decay_t<decltype(*device)>;
    if constexpr (kPluggable<T>) {
      CheckKind(*device);
      auto* found = FindDevice(live, *device);
      if (!found) NotFound(*device);
      CheckUnpluggable(live, *found);
      alias = found->info.alias;
    } else {
      Fail(ErrorCode::kOperationUnsupported, "live detach of device '{}' is not supported", DeviceKind(one));
    }
  });
  if (!alias.empty()) co_await DetachInfo(domain, alias);
}

Task<> LiveDevices::DetachAlias(DomainPtr domain, std::string alias) {
  guests_->MonitorOf(domain);
  co_await Detach(domain, DeviceByAlias(domain->def(), alias));
}

Task<> LiveDevices::DetachInfo(DomainPtr domain, std::string alias) {
  auto* guest = domain->guest.get();
  bool gone = false;
  try {
    gone = co_await guests_->UnplugDevice(domain, alias, kUnplugLimit);
  } catch (const MonitorError& error) {
    if (error.error_class != "DeviceNotFound") throw;
    gone = true;
  }
  // It may still go later, or never: see Gone().
  if (gone && domain->guest.get() == guest) co_await Remove(domain, alias);
}

Task<> LiveDevices::Remove(DomainPtr domain, std::string alias) {
  auto* guest = domain->guest.get();
  auto& live = domain->MutableDef();
  const void* found = nullptr;
  const Disk* disk = nullptr;
  std::vector<PlugStep> steps;
  KiB memory = 0;
  std::vector<NetworkPort> ports;
  std::vector<std::string> filtered;
  std::vector<MacvtapTrace> macvtaps;
  std::vector<AssignedDevice> assigned;
  std::vector<OwnedFile> assigned_files;
  ForEachDevice(live, [&](auto& device) {
    using T = std::decay_t<decltype(device)>;
    if (device.info.alias != alias || found) return;
    found = &device;
    if constexpr (std::is_same_v<T, Interface>) {
      if (device.filter) filtered.push_back(device.target.dev);
      if (WantsMacvtap(device)) macvtaps.push_back(MacvtapTraceOf(device));
    }
    if (const Hostdev* assigned_device = HostdevBehind(device)) {
      assigned = AssignedDevices(*assigned_device);
      if (config_->dynamic_ownership) assigned_files = OwnedFiles(*assigned_device);
    }
    if constexpr (std::is_same_v<T, Disk>) disk = &device;
    if constexpr (std::is_same_v<T, MemoryDevice>) memory = device.size;
    if constexpr (std::is_same_v<T, Interface>) {
      if (device.actual && device.port_id) ports.push_back({device.network, *device.port_id});
    }
    if constexpr (kPluggable<T> && !std::is_same_v<T, Filesystem>) {
      try {
        steps = StepsFor(live, *guest, *config_, OptionsForRemoval(*guest),
                         [&](const Context& context, CommandLine* out) { Describe(device, context, out); });
      } catch (const Error& error) {
        LogWarn(kSource, "what is behind '{}' stays: {}", alias, error.message);
      }
    }
  });
  if (!found) co_return;
  guest->devices.erase(alias);
  auto commands = Removal(steps);
  if (!commands.empty()) {
    auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
    for (auto& reply : replies) {
      if (reply.error) LogDebug(kSource, "after '{}': {}", alias, reply.error->message);
    }
    if (domain->guest.get() != guest) co_return;
  }
  if (!macvtaps.empty()) {
    auto remove = [macvtaps, config = config_] { RemoveMacvtaps(macvtaps, config->dirs.state); };
    co_await Offload(std::move(remove));
  }
  if (!assigned.empty()) {
    auto give_back = [assigned, assigned_files, remember = guest->remember_owner] {
      GiveBackFiles(assigned_files, remember);
      ReattachToHost(assigned);
    };
    co_await Offload(std::move(give_back));
    DeviceClaims::Get().Release(assigned, domain->uuid());
  }
  co_await ReleaseNetworkPorts(ports);
  co_await UnbindFilters(std::move(filtered));
  if (domain->guest.get() != guest) co_return;
  if (disk) {
    co_await guests_->UnlockImage(domain, disk->source);
    if (domain->guest.get() != guest) co_return;
    if (config_->dynamic_ownership) {
      auto give_back = [files = OwnedFiles(*disk), remember = guest->remember_owner] { GiveBackFiles(files, remember); };
      co_await Offload(std::move(give_back));
      if (domain->guest.get() != guest) co_return;
    }
  }
  auto with = DeviceNodes(live);
  RemoveDevice(domain->MutableDef(), found);
  auto deny = [cgroup = guest->cgroup, with = std::move(with), without = DeviceNodes(live)] { DenyDevices(cgroup, with, without); };
  co_await Offload(std::move(deny));
  if (domain->guest.get() != guest) co_return;
  if (memory) CountMemory(domain->MutableDef(), 0, memory);
  domain->DefChanged();
  co_await guests_->StoreStatus(domain);
  events_->SendDeviceRemoved(domain->Ref(), alias);
}

Task<> LiveDevices::Gone(DomainPtr domain, std::string alias) {
  try {
    auto turn = co_await domain->jobs.Begin(Job::kModify, "processDeviceDeletedEvent");
    if (domain->active() && domain->guest && !domain->guest->ended) co_await Remove(domain, alias);
  } catch (const Error& error) {
    LogError(kSource, "cannot clean up after device '{}' of '{}': {}", alias, domain->name(), error.message);
  }
}
}  // namespace bv::qemu
