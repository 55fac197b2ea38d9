#include <fmt/format.h>

#include <charconv>
#include <map>

#include "qemu/defaults/controllers.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/drive_addresses.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

// Numbers aliases of a prefix from the highest in use.
class Numbering {
 public:
  void See(const std::string& alias) {
    auto digits = alias.find_last_not_of("0123456789") + 1;
    unsigned number;
    auto [end, error] = std::from_chars(alias.data() + digits, alias.data() + alias.size(), number);
    if (error != std::errc() || digits == 0) return;
    unsigned& next = next_[alias.substr(0, digits)];
    next = std::max(next, number + 1);
  }
  void Give(DeviceInfo& info, const char* prefix) {
    if (info.alias.empty()) info.alias = fmt::format("{}{}", prefix, next_[prefix]++);
  }

 private:
  std::map<std::string, unsigned, std::less<>> next_;
};

template <typename List>
void Number(Numbering& numbering, List& list, const char* prefix) {
  for (auto& device : list) numbering.See(device->info.alias);
  for (auto& device : list) numbering.Give(device->info, prefix);
}

template <typename Device>
void NumberOne(Device& device, const char* alias) {
  if (device && device->info.alias.empty()) device->info.alias = alias;
}

std::string AliasOf(const DomainDef& def, const Disk& disk) {
  std::string_view bus = ToString(disk.bus);
  if (disk.info.address.type != AddressType::kDrive) {
    return fmt::format("{}-disk{}", bus, DiskNameIndex(disk.dst).value_or(0));
  }
  const DriveAddress& a = disk.info.address.drive;
  if (disk.bus != DiskBus::kScsi) return fmt::format("{}{}-{}-{}", bus, a.controller, a.bus, a.unit);
  const Controller* controller = FindController(def, ControllerType::kScsi, a.controller);
  if (controller && controller->model == ControllerModel::kLsilogic) {
    return fmt::format("{}{}-{}-{}", bus, a.controller, a.bus, a.unit);
  }
  return fmt::format("{}{}-{}-{}-{}", bus, a.controller, a.bus, a.target, a.unit);
}

std::string AliasOf(const DomainDef& def, const Controller& controller) {
  unsigned index = controller.index.value_or(0);
  switch (controller.type) {
    case ControllerType::kPci:
      return controller.model == ControllerModel::kPcieRoot ? fmt::format("pcie.{}", index) : fmt::format("pci.{}", index);
    case ControllerType::kIde:
      if (HasBuiltinIde(def) && index == 0) return "ide";
      break;
    case ControllerType::kSata:
      if (IsQ35(def) && index == 0) return "ide";
      break;
    case ControllerType::kUsb:
      if (index == 0) return "usb";
      break;
    case ControllerType::kScsi:
      if (controller.model == ControllerModel::kNcr53c90 && index == 0) return "scsi";
      break;
    default: break;
  }
  return fmt::format("{}{}", ToString(controller.type), index);
}

void NameMemory(DomainDef& def) {
  Numbering numbering;
  for (auto& device : def.memory_devices) numbering.See(device->info.alias);
  for (auto& device : def.memory_devices) {
    if (!device->info.alias.empty()) continue;
    bool slotted = device->info.address.type == AddressType::kDimm;
    const char* prefix = "dimm";
    switch (device->model) {
      case MemoryModel::kNvdimm: prefix = "nvdimm"; break;
      case MemoryModel::kVirtioPmem: prefix = "virtiopmem"; break;
      case MemoryModel::kVirtioMem: prefix = "virtiomem"; break;
      case MemoryModel::kSgxEpc: prefix = "epc"; break;
      default: break;
    }
    if (slotted) {
      device->info.alias = fmt::format("{}{}", prefix, device->info.address.dimm.slot);
    } else {
      numbering.Give(device->info, prefix);
    }
  }
}

}  // namespace

void AssignAliases(DomainDef& def) {
  Numbering n;
  for (auto& d : def.disks) {
    if (d->info.alias.empty()) d->info.alias = AliasOf(def, *d);
  }
  for (auto& d : def.hostdevs) n.See(d->info.alias);
  for (auto& d : def.interfaces) n.See(d->info.alias);
  for (auto& d : def.interfaces) n.Give(d->info, d->type == InterfaceType::kHostdev ? "hostdev" : "net");
  Number(n, def.filesystems, "fs");
  Number(n, def.sounds, "sound");
  Number(n, def.hostdevs, "hostdev");
  Number(n, def.redirdevs, "redir");
  Number(n, def.videos, "video");
  for (auto& d : def.controllers) {
    if (d->info.alias.empty()) d->info.alias = AliasOf(def, *d);
  }
  Number(n, def.inputs, "input");
  Number(n, def.parallels, "parallel");
  Number(n, def.serials, "serial");
  Number(n, def.channels, "channel");
  // The first console may be the first serial port under another name.
  if (!def.consoles.empty() && def.consoles[0]->console_target == ConsoleTarget::kSerial && !def.serials.empty()) {
    def.consoles[0]->info.alias = def.serials[0]->info.alias;
  }
  // A console's number is its position.
  for (std::size_t i = 0; i < def.consoles.size(); ++i) {
    std::string& alias = def.consoles[i]->info.alias;
    if (alias.empty()) alias = fmt::format("console{}", i);
  }
  Number(n, def.hubs, "hub");
  Number(n, def.shmems, "shmem");
  Number(n, def.smartcards, "smartcard");
  Number(n, def.watchdogs, "watchdog");
  if (def.memballoon && def.memballoon->model != MemballoonModel::kNone) NumberOne(def.memballoon, "balloon0");
  Number(n, def.rngs, "rng");
  Number(n, def.tpms, "tpm");
  NameMemory(def);
  NumberOne(def.vsock, "vsock0");
  NumberOne(def.iommu, "iommu0");
  NumberOne(def.nvram, "nvram");
  Number(n, def.panics, "panic");
  Number(n, def.cryptos, "crypto");
}

}  // namespace bv::qemu
