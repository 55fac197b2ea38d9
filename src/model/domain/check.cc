#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/arch.h"
#include "base/error.h"
#include "model/domain/chardev_parts.h"
#include "model/domain/domain.h"

// The rules over a whole definition that no hypervisor is free to break.
namespace bv::model {

namespace {

using D = DomainDef;

[[noreturn]] void Fail(ErrorCode code, std::string message) { throw Error(ErrorDomain::kDomain, code, std::move(message)); }
[[noreturn]] void Xml(std::string message) { Fail(ErrorCode::kXmlError, std::move(message)); }
[[noreturn]] void Detail(std::string message) { Fail(ErrorCode::kXmlDetail, std::move(message)); }
[[noreturn]] void Unsupported(std::string message) { Fail(ErrorCode::kConfigUnsupported, std::move(message)); }

void CompleteMemory(D& def, unsigned flags) {
  DomainMemory& m = def.memory;
  KiB cells = 0, hotplugged = 0;
  if (m.total == 0 || (flags & kParseAbiUpdate)) {
    for (const NumaCell& cell : def.numa.cells) cells += cell.memory;
  }
  for (auto& device : def.memory_devices) hotplugged += device->size;
  if (cells) m.total = cells + hotplugged;
  else if (hotplugged > m.total) Xml("Total size of memory devices exceeds the total memory size");
  if (m.total == hotplugged) Xml("Memory size must be specified via <memory> or in the <numa> configuration");
  if (!m.current || *m.current > m.total) m.current = m.total;
}

// Pinning memory to nodes and vCPUs to CPUs go together: what was left open follows the other.
void CompletePlacement(D& def) {
  auto& memory = def.numatune.memory;
  bool static_vcpus = def.vcpu.placement != CpuPlacement::kAuto;
  if (memory && memory->placement == NumaPlacement::kDefault) {
    memory->placement = memory->nodeset || static_vcpus ? NumaPlacement::kStatic : NumaPlacement::kAuto;
  }
  if (!memory && !static_vcpus) {
    memory.emplace();
    memory->placement = NumaPlacement::kAuto;
  }
  if (memory && memory->placement == NumaPlacement::kStatic && !memory->nodeset) {
    Unsupported("nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
  }
  bool automatic = memory && memory->placement == NumaPlacement::kAuto;
  if (automatic && !def.numatune.nodes.empty()) Unsupported("Per-node binding is not compatible with automatic NUMA placement.");
  bool pinned = def.vcpu.cpuset || !def.cputune.vcpu_pins.empty() || def.cputune.emulator_pin || !def.cputune.iothread_pins.empty();
  if (automatic && !pinned) def.vcpu.placement = CpuPlacement::kAuto;
}

void CheckHugepages(const D& def) {
  std::size_t nodes = std::max<std::size_t>(def.numa.cells.size(), 1);
  const Hugepage* master = nullptr;
  for (const Hugepage& page : def.memory.backing.hugepages) {
    if (page.size == 0) Detail("hugepage size can't be zero");
    if (page.nodeset) {
      if (auto node = page.nodeset->Next(nodes)) Detail(fmt::format("hugepages: node {} not found", *node));
      continue;
    }
    if (master) Detail(fmt::format("two master hugepages detected: {} and {}", master->size, page.size));
    master = &page;
  }
}

void CheckCells(const D& def) {
  std::size_t cells = def.numa.cells.size();
  std::size_t highest = 0;
  for (const NumaCell& cell : def.numa.cells) {
    if (cell.cpus) highest = std::max(highest, cell.cpus->Last().value_or(0));
  }
  if (highest >= def.vcpu.max) Fail(ErrorCode::kInternalError, "CPU IDs in <numa> exceed the <vcpu> count");
  for (auto& device : def.memory_devices) {
    if (device->model == MemoryModel::kNvdimm && device->uuid && !IsPpc64(def.os.arch)) Unsupported("UUID is not supported for NVDIMM device");
    if (cells && device->node.value_or(0) >= cells) {
      Detail(fmt::format("can't add memory backend for guest node '{}' as the guest has only '{}' NUMA nodes configured", *device->node, cells));
    }
  }
}

// Without cells the guest is one node, and pages for node 0 are for all of it.
void CompleteHugepages(D& def) {
  if (!def.numa.cells.empty()) return;
  for (Hugepage& page : def.memory.backing.hugepages) {
    if (page.nodeset && !page.nodeset->Next(1)) page.nodeset.reset();
  }
}

// Pins of threads that are not there are dropped, what else is said of such threads is refused.
void CompleteThreads(D& def) {
  std::erase_if(def.cputune.vcpu_pins, [&](const ThreadPin& pin) { return pin.id >= def.vcpu.max; });
  auto none_there = [&](const Bitmap& vcpus) { return vcpus.Next().value_or(def.vcpu.max) >= def.vcpu.max; };
  for (auto& tune : def.cputune.cachetunes) {
    if (none_there(tune.vcpus)) Fail(ErrorCode::kInvalidArg, "vcpus is empty");
  }
  for (auto& tune : def.cputune.memorytunes) {
    if (none_there(tune.vcpus)) Fail(ErrorCode::kInvalidArg, "vcpus is empty");
  }
}

void CheckThreads(const D& def) {
  auto has_iothread = [&](std::size_t id) {
    return std::any_of(def.iothreads.ids.begin(), def.iothreads.ids.end(), [&](auto& t) { return t.id == id; });
  };
  for (const ThreadPin& pin : def.cputune.iothread_pins) {
    if (!has_iothread(pin.id)) Unsupported(fmt::format("Cannot find 'iothread' : {}", pin.id));
  }
  for (const ThreadSched& sched : def.cputune.iothread_scheds) {
    for (auto id = sched.threads.Next(); id; id = sched.threads.Next(*id + 1)) {
      if (!has_iothread(*id)) Unsupported(fmt::format("Cannot find 'iothread' : {}", *id));
    }
  }
  for (const ThreadSched& sched : def.cputune.vcpu_scheds) {
    if (sched.threads.Last().value_or(0) >= def.vcpu.max) Unsupported(fmt::format("Cannot find 'vcpu' : {}", *sched.threads.Last()));
  }
}

void CheckFirmware(const Os& os) {
  bool features = std::any_of(os.firmware_features.begin(), os.firmware_features.end(), [](YesNo f) { return f != YesNo::kAbsent; });
  if (os.firmware != Firmware::kNone) {
    if (!os.loader) return;
    auto refuse = [](const char* what) { Detail(fmt::format("loader attribute '{}' cannot be specified when firmware autoselection is enabled", what)); };
    if (os.loader->readonly != YesNo::kAbsent) refuse("readonly");
    if (os.loader->type != LoaderType::kNone) refuse("type");
    if (!os.loader->path.empty()) Detail("loader path cannot be specified when firmware autoselection is enabled");
    if (os.loader->stateless == YesNo::kNo && os.firmware != Firmware::kEfi) Detail("Only EFI firmware permits NVRAM");
    return;
  }
  if (features) Detail("cannot use feature-based firmware autoselection when firmware autoselection is disabled");
  if (!os.loader) return;
  if (os.loader->path.empty()) Detail("no loader path specified and firmware auto selection disabled");
  if (os.loader->stateless == YesNo::kYes) {
    if (os.nvram && !os.nvram->template_path.empty()) Detail("NVRAM template is not permitted when loader is stateless");
    if (os.nvram) Detail("NVRAM is not permitted when loader is stateless");
  } else if (os.loader->stateless == YesNo::kNo && os.loader->type != LoaderType::kPflash) {
    Detail("Only pflash loader type permits NVRAM");
  }
}

// A guest with neither kind of boot order boots from its first disk.
void CompleteBoot(D& def) {
  std::vector<unsigned> orders;
  auto note = [&](const DeviceInfo& info) {
    if (!info.boot_order) return;
    if (std::find(orders.begin(), orders.end(), info.boot_order) != orders.end()) {
      Unsupported(fmt::format("boot order '{}' used for more than one device", info.boot_order));
    }
    orders.push_back(info.boot_order);
  };
  for (auto& d : def.disks) note(d->info);
  for (auto& i : def.interfaces) note(i->info);
  for (auto& h : def.hostdevs) note(h->info);
  for (auto& r : def.redirdevs) note(r->info);
  for (auto& f : def.filesystems) note(f->info);
  if (!orders.empty() && !def.os.boot.empty()) Unsupported("per-device boot elements cannot be used together with os/boot elements");
  if (orders.empty() && def.os.boot.empty() && def.os.type == OsType::kHvm) def.os.boot.push_back(BootDevice::kDisk);
}

const std::string& PathOf(const Disk& disk) {
  static const std::string kNothing;
  return disk.source.path.empty() ? kNothing : disk.source.path;
}

void CheckDrivePlaces(const D& def) {
  for (std::size_t i = 0; i < def.disks.size(); ++i) {
    const Disk& disk = *def.disks[i];
    if (disk.info.address.type != AddressType::kDrive) continue;
    for (std::size_t j = 0; j < i; ++j) {
      const Disk& other = *def.disks[j];
      const DriveAddress& place = disk.info.address.drive;
      if (other.bus != disk.bus || other.info.address.type != AddressType::kDrive || other.info.address.drive != place) continue;
      Unsupported(fmt::format("Found duplicate drive address for disk with target name '{}' controller='{}' bus='{}' target='{}' unit='{}'",
                              disk.dst, place.controller, place.bus, place.target, place.unit));
    }
  }
}

void CheckDisks(const D& def) {
  for (std::size_t i = 0; i < def.disks.size(); ++i) {
    const Disk& disk = *def.disks[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (!disk.dst.empty() && def.disks[j]->dst == disk.dst) Xml(fmt::format("target '{}' duplicated for disk sources '{}' and '{}'", disk.dst, PathOf(*def.disks[j]), PathOf(disk)));
    }
    AddressType address = disk.info.address.type;
    if (address == AddressType::kNone) continue;
    bool drive_bus = disk.bus == DiskBus::kIde || disk.bus == DiskBus::kFdc || disk.bus == DiskBus::kScsi || disk.bus == DiskBus::kSata;
    if (drive_bus && address != AddressType::kDrive) {
      Unsupported(fmt::format("Invalid address type '{}' for the disk '{}' with the bus type '{}'", ToString(address), disk.dst, ToString(disk.bus)));
    }
  }
}

void CheckControllers(const D& def) {
  for (std::size_t i = 0; i < def.controllers.size(); ++i) {
    const Controller& c = *def.controllers[i];
    for (std::size_t j = 0; j < i; ++j) {
      const Controller& other = *def.controllers[j];
      // Companions of one USB controller share its index.
      if (c.type != other.type || !c.index || c.index != other.index || c.type == ControllerType::kUsb) continue;
      Xml(fmt::format("Multiple '{}' controllers with index '{}'", ToString(c.type), *c.index));
    }
  }
}

bool SameDevice(const Hostdev& a, const Hostdev& b) {
  if (a.type != b.type || a.mode != b.mode) return false;
  if (a.mode == HostdevMode::kCapabilities) return a.caps_path == b.caps_path;
  switch (a.type) {
    case HostdevType::kPci: return a.pci.address.SamePlace(b.pci.address);
    case HostdevType::kUsb:
      if (a.usb.bus && b.usb.bus) return a.usb.bus == b.usb.bus && a.usb.device == b.usb.device;
      return a.usb.vendor && a.usb.vendor == b.usb.vendor && a.usb.product == b.usb.product;
    case HostdevType::kScsi:
      if (a.scsi.protocol != b.scsi.protocol) return false;
      if (a.scsi.protocol == ScsiProtocol::kAdapter) {
        return a.scsi.adapter == b.scsi.adapter && a.scsi.bus == b.scsi.bus && a.scsi.target == b.scsi.target && a.scsi.unit == b.scsi.unit;
      }
      return a.scsi.iscsi->path == b.scsi.iscsi->path && !a.scsi.iscsi->hosts.empty() && !b.scsi.iscsi->hosts.empty() &&
             a.scsi.iscsi->hosts[0].name == b.scsi.iscsi->hosts[0].name && a.scsi.iscsi->hosts[0].port == b.scsi.iscsi->hosts[0].port;
    case HostdevType::kScsiHost: return a.scsi_host.wwpn == b.scsi_host.wwpn;
    case HostdevType::kMdev: return a.mdev.uuid == b.mdev.uuid;
    default: return false;
  }
}

void CheckHostdevs(const D& def) {
  int ramfb = 0;
  for (std::size_t i = 0; i < def.hostdevs.size(); ++i) {
    const Hostdev& h = *def.hostdevs[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (SameDevice(h, *def.hostdevs[j])) Xml("Hostdev already exists in the domain configuration");
    }
    if (h.type != HostdevType::kMdev || h.mode != HostdevMode::kSubsystem) continue;
    AddressType address = h.info.address.type;
    AddressType wanted = h.mdev.model == MdevModel::kVfioCcw ? AddressType::kCcw : AddressType::kPci;
    if (address != AddressType::kNone && (address != wanted || h.mdev.model == MdevModel::kVfioAp)) {
      Xml(fmt::format("Unsupported address type '{}' with mediated device model '{}'", ToString(address), ToString(h.mdev.model)));
    }
    if (h.mdev.ramfb == OnOff::kOn && ++ramfb > 1) Unsupported("Only one vgpu device can have 'ramfb' enabled");
  }
}

void CheckVideos(const D& def) {
  int primaries = 0;
  for (auto& video : def.videos) {
    if (video->type == VideoType::kNone && def.videos.size() > 1) Unsupported("a 'none' video type must be the only video device defined for the domain");
    if (video->primary && ++primaries > 1) Unsupported("Only one primary video device is supported");
    if (video->type == VideoType::kRamfb && video->info.address.type != AddressType::kNone) Unsupported("address not supported for video type ramfb");
  }
}

void CheckIommu(const D& def) {
  if (!def.iommu) return;
  const Iommu& iommu = *def.iommu;
  if (iommu.intremap == OnOff::kOn && def.features.ioapic != IoapicDriver::kQemu) {
    Unsupported("IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')");
  }
  if (iommu.eim == OnOff::kOn && iommu.intremap != OnOff::kOn) {
    Unsupported("IOMMU eim requires interrupt remapping to be enabled");
  }
}

void CheckVcpus(const D& def) {
  for (std::size_t i = 0; i < def.vcpu.vcpus.size(); ++i) {
    const Vcpu& vcpu = def.vcpu.vcpus[i];
    if (vcpu.enabled != YesNo::kYes && vcpu.hotpluggable == YesNo::kNo) {
      Xml(fmt::format("vcpu '{}' is both offline and not hotpluggable", i));
    }
  }
}

void CheckLabels(const D& def) {
  auto check = [&](const std::vector<DeviceSeclabel>& overrides) {
    for (const DeviceSeclabel& o : overrides) {
      for (const Seclabel& label : def.seclabels) {
        bool same = o.model.empty() || label.model.empty() || o.model == label.model;
        if (same && label.relabel == YesNo::kNo && o.relabel != YesNo::kNo && label.type != SeclabelType::kNone) {
          Unsupported("label overrides require relabeling to be enabled at the domain level");
        }
      }
    }
  };
  for (auto& disk : def.disks) check(disk->source.seclabels);
  for (auto* list : {&def.serials, &def.parallels, &def.consoles, &def.channels}) {
    for (auto& chardev : *list) check(chardev->source.seclabels);
  }
}

// An alias that the user gave is one device's.
void CheckAliases(const D& def) {
  std::vector<std::string_view> seen;
  auto note = [&](const DeviceInfo& info) {
    if (!info.alias.starts_with("ua-")) return;
    if (std::find(seen.begin(), seen.end(), info.alias) != seen.end()) {
      Unsupported("non unique alias detected: " + info.alias);
    }
    seen.push_back(info.alias);
  };
  auto all = [&](auto&... lists) {
    auto one = [&](auto& list) {
      for (auto& device : list) note(device->info);
    };
    (one(lists), ...);
  };
  all(def.disks, def.controllers, def.filesystems, def.interfaces, def.smartcards, def.serials, def.parallels, def.channels, def.inputs,
      def.tpms, def.sounds, def.videos, def.hostdevs, def.redirdevs, def.hubs, def.watchdogs, def.rngs, def.panics, def.shmems,
      def.memory_devices, def.cryptos);
  // The first console may be a serial port under another name.
  for (auto& console : def.consoles) {
    if (console->console_target != ConsoleTarget::kSerial && console->console_target != ConsoleTarget::kNone) note(console->info);
  }
  if (def.memballoon) note(def.memballoon->info);
  if (def.nvram) note(def.nvram->info);
  if (def.iommu) note(def.iommu->info);
  if (def.vsock) note(def.vsock->info);
}

// A board has four of them. What was written before a port's kind was known is read back whatever its number.
void CheckIsaSerials(const D& def) {
  constexpr unsigned kPorts = 4;
  bool taken[kPorts] = {};
  for (auto& serial : def.serials) {
    if (serial->serial_target != SerialTarget::kIsa || !serial->port) continue;
    if (*serial->port >= kPorts) Fail(ErrorCode::kInternalError, fmt::format("a board has no more ISA serial ports than {}", kPorts));
    if (std::exchange(taken[*serial->port], true)) {
      Fail(ErrorCode::kInternalError, fmt::format("ISA serial port '{}' is used twice", *serial->port));
    }
  }
}

void MatchSysinfo(D& def) {
  for (const Sysinfo& info : def.sysinfo) {
    if (info.type != SysinfoType::kSmbios || info.system.uuid.empty()) continue;
    auto uuid = Uuid::Parse(info.system.uuid);
    if (!uuid) continue;
    if (!def.uuid_given) {
      def.uuid = *uuid;
      def.uuid_given = true;
    } else if (*uuid != def.uuid) {
      Detail("UUID mismatch between <uuid> and <sysinfo>");
    }
  }
}

}  // namespace

void CompleteDomain(DomainDef& def, unsigned flags) {
  CompleteThreads(def);
  MatchSysinfo(def);
  if (def.name.find('/') != std::string::npos) Xml("name " + def.name + " cannot contain '/'");
  if ((def.memory.max != 0) != (def.memory.slots != 0)) Xml("both maximum memory size and memory slot count must be specified");
  CompleteMemory(def, flags);
  CompletePlacement(def);
  CompleteHugepages(def);
  CompleteBoot(def);
  if (flags & kParseAbiUpdate) CheckIsaSerials(def);
  const Os& os = def.os;
  if (os.firmware != Firmware::kNone && os.feature(FirmwareFeature::kEnrolledKeys) == YesNo::kYes &&
      os.feature(FirmwareFeature::kSecureBoot) == YesNo::kNo) {
    Detail("firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled");
  }
}

// What the ends of character devices need to be complete. A first console may stand for a serial port,
// whose settings count.
void CheckChardevSources(const DomainDef& def) {
  auto is_agent = [](auto& c) { return c->channel_target == ChannelTarget::kVirtio || c->channel_target == ChannelTarget::kXen; };
  for (auto& card : def.smartcards) {
    if (card->mode == SmartcardMode::kPassthrough) CheckChardevSource(card->passthrough);
  }
  for (auto* list : {&def.serials, &def.parallels}) {
    for (auto& chardev : *list) CheckChardevSource(chardev->source);
  }
  for (auto& console : def.consoles) {
    if (console->console_target != ConsoleTarget::kNone && console->console_target != ConsoleTarget::kSerial) CheckChardevSource(console->source);
  }
  // The driver chooses an agent's socket, and what a bus calls such devices.
  for (auto& channel : def.channels) CheckChardevSource(channel->source, is_agent(channel));
  for (auto& redirdev : def.redirdevs) {
    if (redirdev->source.type != ChardevType::kDbus) CheckChardevSource(redirdev->source);
  }
  for (auto& rng : def.rngs) {
    if (rng->backend == RngBackend::kEgd) CheckChardevSource(rng->source);
  }
  for (auto& tpm : def.tpms) {
    if (tpm->backend == TpmBackend::kExternal) CheckChardevSource(tpm->source);
  }
}

void CheckDomain(const DomainDef& def) {
  CheckChardevSources(def);
  CheckDisks(def);
  CheckDrivePlaces(def);
  CheckHugepages(def);
  CheckCells(def);
  CheckThreads(def);
  CheckFirmware(def.os);
  CheckControllers(def);
  CheckHostdevs(def);
  CheckVideos(def);
  CheckIommu(def);
  CheckVcpus(def);
  CheckLabels(def);
  CheckAliases(def);
}

}  // namespace bv::model
