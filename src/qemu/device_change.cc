#include "qemu/device_change.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/xml.h"

namespace bv::qemu {
namespace {

using namespace model;

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

// Whether an address that was given is the one that is there.
bool SameIfGiven(const Address& wanted, const Address& there) {
  if (wanted.type == AddressType::kNone) return true;
  if (wanted.type != there.type) return false;
  switch (wanted.type) {
    case AddressType::kPci:
      return wanted.pci.domain == there.pci.domain && wanted.pci.bus == there.pci.bus && wanted.pci.slot == there.pci.slot &&
             wanted.pci.function == there.pci.function;
    case AddressType::kDrive:
      return wanted.drive.controller == there.drive.controller && wanted.drive.bus == there.drive.bus &&
             wanted.drive.target == there.drive.target && wanted.drive.unit == there.drive.unit;
    case AddressType::kUsb:
      return wanted.usb.bus == there.usb.bus && wanted.usb.port == there.usb.port;
    case AddressType::kVirtioSerial:
      return wanted.virtio_serial.controller == there.virtio_serial.controller &&
             wanted.virtio_serial.bus == there.virtio_serial.bus && wanted.virtio_serial.port == there.virtio_serial.port;
    case AddressType::kDimm:
      return wanted.dimm.slot == there.dimm.slot;
    default:
      return true;
  }
}

bool SameIfGiven(const DeviceInfo& wanted, const DeviceInfo& there) {
  return (wanted.alias.empty() || wanted.alias == there.alias) && SameIfGiven(wanted.address, there.address);
}

bool Same(const ChardevSource& a, const ChardevSource& b) {
  return a.type == b.type && a.path == b.path && a.host == b.host && a.service == b.service && a.bind_host == b.bind_host &&
         a.bind_service == b.bind_service && a.connect_host == b.connect_host && a.connect_service == b.connect_service &&
         a.listen == b.listen && a.protocol == b.protocol;
}

template <typename T, typename Match>
T* FindIn(const DomainDef::List<T>& list, Match match) {
  auto found = std::ranges::find_if(list, [&](auto& device) { return match(*device); });
  return found == list.end() ? nullptr : found->get();
}

DomainDef::List<Chardev>& ListOf(DomainDef& guest, ChardevKind kind) {
  switch (kind) {
    case ChardevKind::kSerial:
      return guest.serials;
    case ChardevKind::kParallel:
      return guest.parallels;
    case ChardevKind::kConsole:
      return guest.consoles;
    default:
      return guest.channels;
  }
}

std::string MacText(const Interface& net) {
  char text[18] = "";
  return net.mac ? std::string(net.mac->FormatTo(text)) : std::string();
}

// What libvirt's messages call a kind of device.
constexpr const char* KindOf(const Disk&) { return "disk"; }
constexpr const char* KindOf(const Controller&) { return "controller"; }
constexpr const char* KindOf(const Lease&) { return "lease"; }
constexpr const char* KindOf(const Filesystem&) { return "filesystem"; }
constexpr const char* KindOf(const Interface&) { return "interface"; }
constexpr const char* KindOf(const Smartcard&) { return "smartcard"; }
constexpr const char* KindOf(const Chardev&) { return "chr"; }
constexpr const char* KindOf(const Input&) { return "input"; }
constexpr const char* KindOf(const Tpm&) { return "tpm"; }
constexpr const char* KindOf(const Graphics&) { return "graphics"; }
constexpr const char* KindOf(const Sound&) { return "sound"; }
constexpr const char* KindOf(const Audio&) { return "audio"; }
constexpr const char* KindOf(const Video&) { return "video"; }
constexpr const char* KindOf(const Hostdev&) { return "hostdev"; }
constexpr const char* KindOf(const Redirdev&) { return "redirdev"; }
constexpr const char* KindOf(const Hub&) { return "hub"; }
constexpr const char* KindOf(const Watchdog&) { return "watchdog"; }
constexpr const char* KindOf(const Rng&) { return "rng"; }
constexpr const char* KindOf(const Panic&) { return "panic"; }
constexpr const char* KindOf(const Shmem&) { return "shmem"; }
constexpr const char* KindOf(const MemoryDevice&) { return "memory"; }
constexpr const char* KindOf(const Memballoon&) { return "memballoon"; }
constexpr const char* KindOf(const NvramDevice&) { return "nvram"; }
constexpr const char* KindOf(const Iommu&) { return "iommu"; }
constexpr const char* KindOf(const Vsock&) { return "vsock"; }

constexpr std::string_view kDevices[] = {"disk",     "controller", "lease",    "filesystem", "interface", "smartcard", "serial",
                                         "parallel", "console",    "channel",  "input",      "tpm",       "graphics",  "sound",
                                         "audio",    "video",      "hostdev",  "redirdev",   "hub",       "watchdog",  "rng",
                                         "panic",    "shmem",      "memory",   "memballoon", "nvram",     "iommu",     "vsock"};

// --- what may be attached to a stored definition, unless it is there already -----------------------

// Nullopt-like default: libvirt cannot add such a device to a stored definition.
template <typename T>
constexpr bool kStorable = !std::is_same_v<T, Smartcard> && !std::is_same_v<T, Tpm> && !std::is_same_v<T, Graphics> &&
                           !std::is_same_v<T, Audio> && !std::is_same_v<T, Video> && !std::is_same_v<T, Hub> &&
                           !std::is_same_v<T, Panic> && !std::is_same_v<T, Memballoon> && !std::is_same_v<T, NvramDevice> &&
                           !std::is_same_v<T, Iommu>;

template <typename T>
void CheckNew(DomainDef&, const T&) {}
void CheckNew(DomainDef& guest, const Disk& disk) {
  if (FindDevice(guest, disk)) Fail(ErrorCode::kOperationInvalid, "target {} already exists", disk.dst);
}
void CheckNew(DomainDef& guest, const Controller& controller) {
  if (controller.index && FindDevice(guest, controller))
    Fail(ErrorCode::kOperationInvalid, "controller index='{}' already exists", *controller.index);
}
void CheckNew(DomainDef& guest, const Lease& lease) {
  if (FindDevice(guest, lease))
    Fail(ErrorCode::kOperationInvalid, "Lease {} in lockspace {} already exists", lease.key, lease.lockspace);
}
void CheckNew(DomainDef& guest, const Filesystem& fs) {
  if (FindDevice(guest, fs)) Fail(ErrorCode::kOperationInvalid, "Target already exists");
}
void CheckNew(DomainDef& guest, const Hostdev& hostdev) {
  if (FindDevice(guest, hostdev)) Fail(ErrorCode::kOperationInvalid, "device is already in the domain configuration");
}
void CheckNew(DomainDef& guest, const Chardev& chardev) {
  if (FindDevice(guest, chardev)) Fail(ErrorCode::kOperationInvalid, "chardev already exists");
}
void CheckNew(DomainDef& guest, const Shmem& shmem) {
  if (FindDevice(guest, shmem)) Fail(ErrorCode::kOperationInvalid, "device is already in the domain configuration");
}
void CheckNew(DomainDef& guest, const Watchdog&) {
  if (!guest.watchdogs.empty()) Fail(ErrorCode::kOperationInvalid, "domain already has a watchdog");
}
void CheckNew(DomainDef& guest, const Vsock&) {
  if (guest.vsock) Fail(ErrorCode::kOperationInvalid, "domain already has a vsock device");
}

// --- what is said when there is none to detach -------------------------------------------------------

template <typename T>
[[noreturn]] void Missing(const T&) {
  Fail(ErrorCode::kDeviceMissing, "device not present in domain configuration");
}
[[noreturn]] void Missing(const Disk& disk) { Fail(ErrorCode::kDeviceMissing, "no target device {}", disk.dst); }
[[noreturn]] void Missing(const Lease& lease) {
  Fail(ErrorCode::kDeviceMissing, "Lease {} in lockspace {} does not exist", lease.key, lease.lockspace);
}
[[noreturn]] void Missing(const Filesystem&) { Fail(ErrorCode::kDeviceMissing, "no matching filesystem device was found"); }
[[noreturn]] void Missing(const Chardev&) { Fail(ErrorCode::kInvalidArg, "device not present in domain configuration"); }
[[noreturn]] void Missing(const Rng&) { Fail(ErrorCode::kDeviceMissing, "no matching RNG device was found"); }
[[noreturn]] void Missing(const MemoryDevice&) { Fail(ErrorCode::kDeviceMissing, "matching memory device was not found"); }
[[noreturn]] void Missing(const Redirdev&) { Fail(ErrorCode::kDeviceMissing, "no matching redirdev was not found"); }
[[noreturn]] void Missing(const Shmem&) { Fail(ErrorCode::kDeviceMissing, "matching shmem device was not found"); }
[[noreturn]] void Missing(const Watchdog&) { Fail(ErrorCode::kDeviceMissing, "domain has no watchdog"); }
[[noreturn]] void Missing(const Input&) { Fail(ErrorCode::kDeviceMissing, "matching input device not found"); }
[[noreturn]] void Missing(const Vsock&) { Fail(ErrorCode::kOperationFailed, "matching vsock device not found"); }
[[noreturn]] void Missing(const Interface& net) { ThrowMissing(net); }

// A stored watchdog is the only one, whatever its model.
template <typename T>
T* FindStored(DomainDef& guest, const T& wanted) {
  if constexpr (std::is_same_v<T, Watchdog>) return guest.watchdogs.empty() ? nullptr : guest.watchdogs.front().get();
  else return FindDevice(guest, wanted);
}

}  // namespace

DomainDef ParseDevice(const std::string& xml, const DomainDef& guest) {
  {
    auto document = xml::Document::Parse(xml, ErrorDomain::kDomain, "device_definition");
    auto name = document.root().name;
    if (std::ranges::find(kDevices, name) == std::end(kDevices))
      throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, fmt::format("unknown device type '{}'", name));
  }
  // The language of one device is that of the document it stands in.
  auto start = xml.find("<?xml") == std::string::npos ? 0 : xml.find("?>") + 2;
  auto text = fmt::format("<domain type='{}'><name>device</name><memory>1</memory><os><type arch='{}' machine='{}'>hvm</type></os>"
                          "<devices>{}</devices></domain>",
                          ToString(guest.virt_type), guest.os.arch, guest.os.machine, xml.substr(start));
  return ParseDomain(text, kParseInactive | kParseSkipChecks);
}

std::string DeviceKind(DomainDef& one) {
  std::string kind;
  VisitDevice(one, [&](auto& device, auto) { kind = KindOf(*device); });
  return kind;
}

Disk* FindDevice(DomainDef& guest, const Disk& wanted) {
  return FindIn(guest.disks, [&](auto& disk) { return disk.dst == wanted.dst; });
}

Controller* FindDevice(DomainDef& guest, const Controller& wanted) {
  return FindIn(guest.controllers, [&](auto& controller) {
    return controller.type == wanted.type && controller.index.value_or(0) == wanted.index.value_or(0);
  });
}

Lease* FindDevice(DomainDef& guest, const Lease& wanted) {
  return FindIn(guest.leases, [&](auto& lease) { return lease.key == wanted.key && lease.lockspace == wanted.lockspace; });
}

Filesystem* FindDevice(DomainDef& guest, const Filesystem& wanted) {
  return FindIn(guest.filesystems, [&](auto& fs) { return fs.target == wanted.target; });
}

Interface* FindDevice(DomainDef& guest, const Interface& wanted) {
  Interface* found = nullptr;
  for (auto& net : guest.interfaces) {
    if (wanted.mac && !wanted.mac_generated && !(net->mac && *net->mac == *wanted.mac)) continue;
    if (!SameIfGiven(wanted.info, net->info)) continue;
    if (found)
      throw Error(ErrorDomain::kDomain, ErrorCode::kOperationFailed,
                  fmt::format("multiple devices matching MAC address {} found", MacText(wanted)));
    found = net.get();
  }
  return found;
}

void ThrowMissing(const Interface& wanted) {
  std::string address = "(<null>)";
  if (wanted.info.address.type == AddressType::kPci) {
    auto& pci = wanted.info.address.pci;
    address = fmt::format("{:04x}:{:02x}:{:02x}.{:x}", pci.domain, pci.bus, pci.slot, pci.function);
  }
  throw Error(ErrorDomain::kDomain, ErrorCode::kDeviceMissing,
              fmt::format("no device found at address '{}' matching MAC address '{}' and alias '{}'", address,
                          wanted.mac_generated ? "(<null>)" : MacText(wanted),
                          wanted.info.alias.empty() ? "(<null>)" : wanted.info.alias));
}

Chardev* FindDevice(DomainDef& guest, const Chardev& wanted) {
  return FindIn(ListOf(guest, wanted.kind), [&](auto& there) {
    if (!Same(wanted.source, there.source) || !SameIfGiven(wanted.info, there.info)) return false;
    switch (wanted.kind) {
      case ChardevKind::kSerial:
        return (wanted.serial_target == SerialTarget::kNone || wanted.serial_target == there.serial_target) &&
               wanted.port == there.port;
      case ChardevKind::kParallel:
        return wanted.port == there.port;
      case ChardevKind::kConsole:
        return wanted.console_target == there.console_target && wanted.port == there.port;
      default:
        return wanted.channel_target == there.channel_target && wanted.target_name == there.target_name &&
               wanted.fwd_address == there.fwd_address && wanted.fwd_port == there.fwd_port;
    }
  });
}

Input* FindDevice(DomainDef& guest, const Input& wanted) {
  return FindIn(guest.inputs, [&](auto& input) {
    return input.type == wanted.type && (wanted.bus == InputBus::kDefault || input.bus == wanted.bus) &&
           input.evdev == wanted.evdev && SameIfGiven(wanted.info, input.info);
  });
}

Sound* FindDevice(DomainDef& guest, const Sound& wanted) {
  return FindIn(guest.sounds, [&](auto& sound) { return sound.model == wanted.model && SameIfGiven(wanted.info, sound.info); });
}

Hostdev* FindDevice(DomainDef& guest, const Hostdev& wanted) {
  return FindIn(guest.hostdevs, [&](auto& hostdev) {
    if (hostdev.mode != wanted.mode || hostdev.type != wanted.type) return false;
    if (wanted.mode == HostdevMode::kCapabilities) return hostdev.caps_path == wanted.caps_path;
    switch (wanted.type) {
      case HostdevType::kUsb:
        if (wanted.usb.bus && wanted.usb.device)
          return hostdev.usb.bus == wanted.usb.bus && hostdev.usb.device == wanted.usb.device;
        return hostdev.usb.vendor == wanted.usb.vendor && hostdev.usb.product == wanted.usb.product;
      case HostdevType::kPci: {
        auto &a = hostdev.pci.address, &b = wanted.pci.address;
        return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot && a.function == b.function;
      }
      case HostdevType::kScsi: {
        auto &a = hostdev.scsi, &b = wanted.scsi;
        if (a.protocol != b.protocol) return false;
        if (a.protocol == ScsiProtocol::kIscsi) return a.iscsi->path == b.iscsi->path;
        return a.adapter == b.adapter && a.bus == b.bus && a.target == b.target && a.unit == b.unit;
      }
      case HostdevType::kScsiHost:
        return hostdev.scsi_host.wwpn == wanted.scsi_host.wwpn;
      case HostdevType::kMdev:
        return hostdev.mdev.uuid == wanted.mdev.uuid;
      default:
        return false;
    }
  });
}

Redirdev* FindDevice(DomainDef& guest, const Redirdev& wanted) {
  return FindIn(guest.redirdevs,
                [&](auto& redirdev) { return Same(redirdev.source, wanted.source) && SameIfGiven(wanted.info, redirdev.info); });
}

Watchdog* FindDevice(DomainDef& guest, const Watchdog& wanted) {
  return FindIn(guest.watchdogs, [&](auto& dog) {
    return dog.model == wanted.model && dog.action == wanted.action && SameIfGiven(wanted.info, dog.info);
  });
}

Rng* FindDevice(DomainDef& guest, const Rng& wanted) {
  return FindIn(guest.rngs, [&](auto& rng) {
    return rng.model == wanted.model && rng.backend == wanted.backend && rng.path == wanted.path &&
           rng.rate_bytes == wanted.rate_bytes && rng.rate_period == wanted.rate_period && Same(rng.source, wanted.source) &&
           SameIfGiven(wanted.info, rng.info);
  });
}

Shmem* FindDevice(DomainDef& guest, const Shmem& wanted) {
  return FindIn(guest.shmems, [&](auto& shmem) {
    return shmem.name == wanted.name && shmem.size == wanted.size && shmem.model == wanted.model &&
           shmem.server.has_value() == wanted.server.has_value() && SameIfGiven(wanted.info, shmem.info);
  });
}

MemoryDevice* FindDevice(DomainDef& guest, const MemoryDevice& wanted) {
  return FindIn(guest.memory_devices, [&](auto& memory) {
    return memory.model == wanted.model && memory.size == wanted.size && memory.node == wanted.node &&
           memory.path == wanted.path && memory.block_size == wanted.block_size && SameIfGiven(wanted.info, memory.info);
  });
}

MemoryDevice* FindByPlace(DomainDef& guest, const MemoryDevice& wanted) {
  if (wanted.info.alias.empty() && wanted.info.address.type == AddressType::kNone) return nullptr;
  return FindIn(guest.memory_devices, [&](auto& memory) { return SameIfGiven(wanted.info, memory.info); });
}

Vsock* FindDevice(DomainDef& guest, const Vsock& wanted) {
  auto* vsock = guest.vsock.get();
  if (!vsock || (wanted.guest_cid && wanted.guest_cid != vsock->guest_cid) || !SameIfGiven(wanted.info, vsock->info)) return nullptr;
  return vsock;
}

Graphics* FindDevice(DomainDef& guest, const Graphics& wanted) {
  return FindIn(guest.graphics, [&](auto& graphics) { return graphics.type == wanted.type; });
}

void AttachToConfig(DomainDef& guest, DomainDef one) {
  VisitDevice(one, [&](auto& device, auto place) {
    using T = std::decay_t<decltype(*device)>;
    if constexpr (kStorable<T>) {
      CheckNew(guest, *device);
      if constexpr (std::is_same_v<std::decay_t<decltype(guest.*place)>, std::unique_ptr<T>>) guest.*place = std::move(device);
      else (guest.*place).push_back(std::move(device));
    } else {
      Fail(ErrorCode::kOperationUnsupported, "persistent attach of device '{}' is not supported", KindOf(*device));
    }
  });
}

void DetachFromConfig(DomainDef& guest, DomainDef one) {
  VisitDevice(one, [&](auto& device, auto) {
    using T = std::decay_t<decltype(*device)>;
    if constexpr (kStorable<T>) {
      auto* found = FindStored(guest, *device);
      if (!found) Missing(*device);
      RemoveDevice(guest, found);
    } else {
      Fail(ErrorCode::kOperationUnsupported, "persistent detach of device '{}' is not supported", KindOf(*device));
    }
  });
}

void UpdateInConfig(DomainDef& guest, DomainDef one) {
  VisitDevice(one, [&](auto& device, auto) {
    using T = std::decay_t<decltype(*device)>;
    if constexpr (std::is_same_v<T, Disk> || std::is_same_v<T, Interface> || std::is_same_v<T, Graphics>) {
      auto* found = FindDevice(guest, *device);
      if constexpr (std::is_same_v<T, Disk>) {
        if (!found) Fail(ErrorCode::kInvalidArg, "target {} doesn't exist.", device->dst);
      } else if constexpr (std::is_same_v<T, Graphics>) {
        if (!found)
          Fail(ErrorCode::kInvalidArg, "cannot find existing graphics type '{}' device to modify", ToString(device->type));
      } else {
        if (!found) Missing(*device);
      }
      if constexpr (!std::is_same_v<T, Graphics>) {
        if (device->info.address.type == AddressType::kNone) device->info.address = found->info.address;
        if (device->info.alias.empty()) device->info.alias = found->info.alias;
      }
      *found = std::move(*device);
    } else if constexpr (std::is_same_v<T, MemoryDevice>) {
      auto* found = FindByPlace(guest, *device);
      if (!found) Fail(ErrorCode::kInvalidArg, "memory not found");
      found->requested_size = device->requested_size;
    } else {
      Fail(ErrorCode::kOperationUnsupported, "persistent update of device '{}' is not supported", KindOf(*device));
    }
  });
}

DomainDef DeviceByAlias(const DomainDef& guest, const std::string& alias) {
  // A copy of everything, and then without the others.
  auto copy = ParseDomain(FormatDomain(guest, kFormatStatus | kFormatSecure), kParseStatus | kParseSkipChecks);
  DomainDef one;
  auto take = [&](auto place) {
    for (auto& device : copy.*place) {
      if (device->info.alias == alias) {
        (one.*place).push_back(std::move(device));
        return true;
      }
    }
    return false;
  };
  auto take_single = [&](auto place) {
    if (!(copy.*place) || (copy.*place)->info.alias != alias) return false;
    one.*place = std::move(copy.*place);
    return true;
  };
  using D = DomainDef;
  bool found = take(&D::disks) || take(&D::controllers) || take(&D::filesystems) || take(&D::interfaces) ||
               take(&D::smartcards) || take(&D::serials) || take(&D::parallels) || take(&D::channels) || take(&D::consoles) ||
               take(&D::inputs) || take(&D::tpms) || take(&D::sounds) || take(&D::videos) || take(&D::hostdevs) ||
               take(&D::redirdevs) || take(&D::hubs) || take(&D::watchdogs) || take(&D::rngs) || take(&D::panics) ||
               take(&D::shmems) || take(&D::memory_devices) || take_single(&D::memballoon) || take_single(&D::nvram) ||
               take_single(&D::iommu) || take_single(&D::vsock);
  if (!found)
    throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, fmt::format("no device found with alias {}", alias));
  return one;
}

bool RemoveDevice(DomainDef& guest, const void* device) {
  auto from = [&](auto&... lists) {
    return ((std::erase_if(lists, [&](auto& each) { return each.get() == device; }) > 0) || ...);
  };
  if (from(guest.disks, guest.controllers, guest.leases, guest.filesystems, guest.interfaces, guest.smartcards, guest.serials,
           guest.parallels, guest.consoles, guest.channels, guest.inputs, guest.tpms, guest.sounds, guest.hostdevs,
           guest.redirdevs, guest.hubs, guest.watchdogs, guest.rngs, guest.panics, guest.shmems, guest.memory_devices))
    return true;
  if (!device || guest.vsock.get() != device) return false;
  guest.vsock.reset();
  return true;
}

}  // namespace bv::qemu
