#include "qemu/command_line/disk.h"

#include <algorithm>
#include <cstdlib>

#include "qemu/command_line/boot_index.h"
#include "qemu/command_line/chardev.h"
#include "qemu/command_line/device.h"
#include "qemu/command_line/paths.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

Props IdeDevice(const Disk& disk, const Context& context) {
  auto& drive = disk.info.address.drive;
  Props props = Props::Device(disk.device == DiskDevice::kCdrom ? "ide-cd" : "ide-hd");
  // A SATA controller has one bus for each disk, an IDE controller two disks on each bus.
  if (disk.bus == DiskBus::kIde) {
    std::string alias = ControllerAlias(ControllerType::kIde, drive.controller, context);
    props.Add("bus", fmt::format("{}.{}", alias, drive.bus)).Add("unit", drive.unit);
  } else {
    std::string alias = ControllerAlias(ControllerType::kSata, drive.controller, context);
    props.Add("bus", fmt::format("{}.{}", alias, drive.unit));
  }
  return props;
}

Props ScsiDevice(const Disk& disk, const Context& context) {
  auto& drive = disk.info.address.drive;
  Props props = Props::Device(disk.device == DiskDevice::kLun     ? "scsi-block"
                              : disk.device == DiskDevice::kCdrom ? "scsi-cd"
                                                                         : "scsi-hd");
  std::string alias = ControllerAlias(ControllerType::kScsi, drive.controller, context);
  props.Add("bus", alias + ".0");
  AddScsiPlace(&props, drive, context);
  // Guests identify disks by this; it must not follow from QEMU's node names. A passed-through
  // disk answers for itself.
  if (disk.device != DiskDevice::kLun) {
    props.Add("device_id", disk.serial.empty() ? "drive-" + disk.info.alias : disk.serial);
  }
  return props;
}

Props VirtioBlkDevice(const Disk& disk, const Context& context) {
  const DiskDriver& driver = disk.driver;
  const bool vhost_user = disk.source.type == StorageType::kVhostUser;
  Props props = VirtioDevice(vhost_user ? "vhost-user-blk" : "virtio-blk", disk.info, disk.model, driver.virtio, context);
  if (driver.iothread) props.Add("iothread", fmt::format("iothread{}", driver.iothread));
  props.Add("ioeventfd", driver.ioeventfd).Add("event_idx", driver.event_idx);
  if (disk.device == DiskDevice::kLun) props.Add("scsi", true);
  props.AddSet("num-queues", driver.queues).AddSet("queue-size", driver.queue_size);
  AddAddress(&props, disk.info, context);
  return props;
}

Props BusDevice(const Disk& disk, const Context& context) {
  switch (disk.bus) {
    case DiskBus::kIde:
    case DiskBus::kSata:
      return IdeDevice(disk, context);
    case DiskBus::kScsi:
      return ScsiDevice(disk, context);
    case DiskBus::kVirtio:
      return VirtioBlkDevice(disk, context);
    case DiskBus::kUsb: {
      Props props = Props::Device("usb-storage");
      AddAddress(&props, disk.info, context);
      return props;
    }
    case DiskBus::kFdc:
      return Props::Device("floppy").Add("unit", disk.info.address.drive.unit);
    default:
      throw Internal("unsupported disk bus '{}' with device setup", ToString(disk.bus));
  }
}

const char* ErrorPolicyName(DiskErrorPolicy policy) {
  return policy == DiskErrorPolicy::kEnospace ? "enospc" : ToString(policy).data();
}

void AddErrorPolicies(Props* props, const DiskDriver& driver) {
  DiskErrorPolicy read = driver.rerror_policy;
  // Reads follow writes, but only writes can run out of space.
  if (read == DiskErrorPolicy::kDefault && driver.error_policy != DiskErrorPolicy::kEnospace) read = driver.error_policy;
  if (driver.error_policy != DiskErrorPolicy::kDefault) props->Add("werror", ErrorPolicyName(driver.error_policy));
  if (read != DiskErrorPolicy::kDefault) props->Add("rerror", ErrorPolicyName(read));
}

void AddGeometry(Props* props, const DiskGeometry& geometry) {
  if (!geometry.cylinders || !geometry.heads || !geometry.sectors) return;
  props->Add("cyls", geometry.cylinders).Add("heads", geometry.heads).Add("secs", geometry.sectors);
  if (geometry.trans != GeometryTrans::kDefault) props->Add("bios-chs-trans", ToString(geometry.trans));
}

// Whether the guest sees a write-back cache; absent when cache= is not given.
OnOff WriteCache(DiskCache cache) {
  switch (cache) {
    case DiskCache::kDefault:
      return OnOff::kAbsent;
    case DiskCache::kWritethrough:
    case DiskCache::kDirectsync:
      return OnOff::kOff;
    default:
      return OnOff::kOn;
  }
}

// SD cards have no -device.
void AddSdDrive(const Disk& disk, unsigned index, CommandLine* out) {
  OptionString drive;
  if (!disk.source.IsEmpty()) drive.Add("file", disk.source.path).Add("format", ToString(disk.source.format));
  drive.Add("if", "sd").Add("index", index);
  if (disk.source.readonly) drive.Add("readonly", true);
  out->Option("-drive", drive);
}

// Where the board's floppy controller boots from.
void AddFloppyBoot(const Context& context, CommandLine* out) {
  std::vector<std::pair<std::string, unsigned>> drives;
  bool any = false;
  for (auto& disk : context.def.disks) {
    if (disk->bus != DiskBus::kFdc) continue;
    any = true;
    unsigned place = EffectiveBootIndex(context.def, disk->info);
    if (place) drives.emplace_back(disk->info.address.drive.unit ? "bootindexB" : "bootindexA", place);
  }
  if (!any) return;
  if (NeedsFloppyController(context.def)) {
    Props controller = Props::Device("isa-fdc");
    for (auto& [name, place] : drives) controller.Add(name.c_str(), place);
    out->Device(controller);
  } else {
    for (auto& [name, place] : drives) out->Option("-global", fmt::format("isa-fdc.{}={}", name, place));
  }
}

void AddVhostUserChardev(const Disk& disk, CommandLine* out) {
  Props chardev = Props::Device("socket");
  chardev.Add("id", "chr-vu-" + disk.info.alias).Add("path", disk.source.path);
  if (disk.source.reconnect.enabled == YesNo::kYes) chardev.Add("reconnect", disk.source.reconnect.timeout);
  else if (disk.source.reconnect.enabled == YesNo::kNo) chardev.Add("reconnect", 0);
  out->Chardev(chardev);
}

}  // namespace

BlockOptions BlockOptionsOf(const Disk& disk) {
  return {.cache = disk.driver.cache,
          .io = disk.driver.io,
          .discard = disk.driver.discard,
          .detect_zeroes = disk.driver.detect_zeroes,
          .floppy = disk.device == DiskDevice::kFloppy};
}

std::optional<Props> CopyOnReadNode(const Disk& disk) {
  if (disk.driver.copy_on_read != OnOff::kOn) return std::nullopt;
  Props node = Props::Device("copy-on-read");
  return node.Add("node-name", "libvirt-CoR-" + disk.dst).Add("file", NamesOf(disk.source).format).Add("discard", "unmap");
}

std::string DiskNode(const Disk& disk) {
  return disk.driver.copy_on_read == OnOff::kOn ? "libvirt-CoR-" + disk.dst : NamesOf(disk.source).format;
}

Props DescribeDisk(const Disk& disk, const Context& context) {
  Props props = BusDevice(disk, context);
  if (disk.source.shared && disk.bus != DiskBus::kFdc) props.Add("share-rw", true);
  if (disk.source.type == StorageType::kVhostUser) props.Add("chardev", "chr-vu-" + disk.info.alias);
  else if (!disk.source.IsEmpty()) props.Add("drive", DiskNode(disk));
  props.Add("id", disk.info.alias);
  // A floppy drive's place is its controller's property.
  if (disk.bus != DiskBus::kFdc) AddBootIndex(&props, disk.info, context);
  props.AddSet("logical_block_size", disk.blockio.logical).AddSet("physical_block_size", disk.blockio.physical);
  if (!disk.wwn.empty()) props.Add("wwn", std::strtoull(disk.wwn.c_str(), nullptr, 16));
  props.AddSet("rotation_rate", disk.rotation_rate).AddSet("vendor", disk.vendor).AddSet("product", disk.product);
  if (disk.bus == DiskBus::kUsb) props.Add("removable", disk.removable == OnOff::kOn);
  if (disk.bus != DiskBus::kFdc && disk.device != DiskDevice::kLun) props.AddOnOff("write-cache", WriteCache(disk.driver.cache));
  AddGeometry(&props, disk.geometry);
  props.AddSet("serial", disk.serial);
  AddErrorPolicies(&props, disk.driver);
  return props;
}

void AddManagedReservations(const Context& context, CommandLine* out) {
  for (auto& disk : context.def.disks) {
    if (!disk->source.reservations || disk->source.reservations->managed != YesNo::kYes) continue;
    out->Object(Props::Object("pr-manager-helper", "pr-helper0").Add("path", DomainLibDir(context) + "/pr-helper0.sock"));
    return;
  }
}

void AddMedium(const Disk& disk, const Context& context, CommandLine* out) {
  if (disk.source.type == StorageType::kVhostUser) {
    AddVhostUserChardev(disk, out);
  } else if (!disk.source.IsEmpty()) {
    for (auto& layer : DescribeChain(disk.source, BlockOptionsOf(disk), context)) AddBlockLayer(layer, out);
    if (auto filter = CopyOnReadNode(disk)) out->Blockdev(*filter);
  }
}

void AddDisk(const Disk& disk, const Context& context, CommandLine* out) {
  AddMedium(disk, context, out);
  AddDevice(DescribeDisk(disk, context), disk.info, context, out);
}

void AddDisks(const Context& context, CommandLine* out) {
  AddFloppyBoot(context, out);
  unsigned sd_index = 0;
  for (auto& disk : context.def.disks) {
    // Its overlay can only be made when QEMU runs, so that such a disk is plugged then.
    if (disk->transient && disk->transient_share_backing == YesNo::kYes) continue;
    if (disk->bus == DiskBus::kSd) {
      AddSdDrive(*disk, sd_index++, out);
      continue;
    }
    AddDisk(*disk, context, out);
  }
}

}  // namespace bv::qemu
