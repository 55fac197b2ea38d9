#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/error.h"
#include "qemu/defaults/validate.h"

// What a disk's device, bus, driver and source allow of each other.
namespace bv::qemu::validate {

using namespace model;

namespace {

[[noreturn]] void Broken(ErrorDomain domain, std::string text) {
  throw Error(domain, ErrorCode::kInternalError, std::move(text));
}

// The target's name follows the kind of disk, whatever its bus.
void TargetName(const Disk& disk) {
  auto starts = [&](std::initializer_list<std::string_view> prefixes) {
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return disk.dst.starts_with(prefix); });
  };
  if (disk.device == DiskDevice::kFloppy && !starts({"fd"})) {
    Broken(ErrorDomain::kDomain, fmt::format("Invalid floppy device name: {}", disk.dst));
  }
  if (disk.device == DiskDevice::kDisk && !starts({"hd", "sd", "vd", "xvd", "ubd"})) {
    Broken(ErrorDomain::kDomain, fmt::format("Invalid harddisk device name: {}", disk.dst));
  }
}

void Place(const Disk& disk) {
  const AddressType type = disk.info.address.type;
  const bool virtio_place = type == AddressType::kPci || type == AddressType::kCcw || type == AddressType::kVirtioMmio || type == AddressType::kVirtioS390;
  if (disk.bus == DiskBus::kVirtio && type != AddressType::kNone && !virtio_place) {
    Unsupported(fmt::format("virtio disk cannot have an address of type '{}'", ToString(type)));
  }
  if (disk.bus == DiskBus::kUsb && type != AddressType::kUsb) Broken(ErrorDomain::kQemu, "unexpected address type for usb disk");
}

void DeviceAndBus(const Disk& disk) {
  const bool virtio = disk.bus == DiskBus::kVirtio;
  if (disk.device == DiskDevice::kFloppy && disk.bus != DiskBus::kFdc) {
    Broken(ErrorDomain::kDomain, fmt::format("Invalid bus type '{}' for floppy disk", ToString(disk.bus)));
  }
  if (disk.device != DiskDevice::kFloppy && disk.bus == DiskBus::kFdc) {
    Broken(ErrorDomain::kDomain, fmt::format("Invalid bus type '{}' for disk", ToString(disk.bus)));
  }
  if (disk.device == DiskDevice::kLun) {
    const StorageType type = disk.source.type;
    const bool block = type == StorageType::kBlock || type == StorageType::kVolume ||
                       (type == StorageType::kNetwork && disk.source.protocol == NetworkProtocol::kIscsi);
    if (!block) Nonsense("disk device='lun' is only valid for block type disk source");
    if (disk.source.format != StorageFormat::kRaw) Nonsense("disk device 'lun' must use 'raw' format");
    if (disk.source.encryption) Nonsense("disk device 'lun' doesn't support encryption");
    if (!virtio && disk.bus != DiskBus::kScsi) {
      Unsupported(fmt::format("disk device='lun' is not supported for bus='{}'", ToString(disk.bus)));
    }
  } else {
    if (disk.source.reservations) Nonsense("<reservations/> allowed only for lun devices");
    if (disk.rawio != YesNo::kAbsent) Nonsense("rawio can be used only with device='lun'");
    if (disk.sgio != SgIo::kDefault) Nonsense("sgio can be used only with device='lun'");
  }
  if (disk.device == DiskDevice::kCdrom && (virtio || disk.bus == DiskBus::kSd)) {
    Unsupported(fmt::format("disk type of '{}' does not support ejectable media", disk.dst));
  }
  if (disk.model != VirtioModel::kDefault && !virtio) {
    Nonsense(fmt::format("disk model '{}' not supported for bus '{}'", ToString(disk.model), ToString(disk.bus)));
  }
  if ((!disk.vendor.empty() || !disk.product.empty()) && disk.bus != DiskBus::kScsi) {
    Unsupported("Only scsi disk supports vendor and product");
  }
}

void VhostUser(const DomainDef& def, const Disk& disk) {
  if (disk.bus != DiskBus::kVirtio) Nonsense("vhostuser disk supports only virtio bus");
  if (disk.driver.cache != DiskCache::kDefault) Nonsense("cache is not supported with vhostuser disk");
  if (!HasSharedMemory(def)) Unsupported("'vhostuser' requires shared memory");
}

void Driver(const DomainDef& def, const Disk& disk) {
  const DiskDriver& driver = disk.driver;
  const bool virtio = disk.bus == DiskBus::kVirtio;
  if (!virtio) {
    if (driver.event_idx != OnOff::kAbsent) Nonsense("disk event_idx mode supported only for virtio bus");
    if (driver.ioeventfd != OnOff::kAbsent) Nonsense("disk ioeventfd mode supported only for virtio bus");
    if (driver.queues) Nonsense("queues attribute in disk driver element is only supported by virtio-blk");
    if (driver.queue_size) Nonsense("queue_size attribute in disk driver element is only supported by virtio-blk");
  }
  if (!driver.name.empty() && driver.name != "qemu") {
    Unsupported(fmt::format("unsupported driver name '{}' for disk '{}'", driver.name, disk.dst));
  }
  if (driver.copy_on_read == OnOff::kOn && disk.source.readonly) {
    Unsupported(fmt::format("copy_on_read is not compatible with read-only disk '{}'", disk.dst));
  }
  if (disk.transient && disk.source.readonly) {
    Unsupported(fmt::format("transient disk '{}' must not be read-only", disk.dst));
  }
  if (driver.io == DiskIo::kNative && driver.cache != DiskCache::kNone && driver.cache != DiskCache::kDirectsync) {
    Unsupported("io='native' needs either no disk cache or directsync cache mode");
  }
  if (driver.iothread) {
    if (!virtio) Unsupported(fmt::format("IOThreads not available for bus {} target {}", ToString(disk.bus), disk.dst));
    if (std::ranges::find(def.iothreads.ids, driver.iothread, &IoThreadId::id) == def.iothreads.ids.end()) {
      Unsupported(fmt::format("Disk iothread '{}' not defined in iothreadid", driver.iothread));
    }
  }
}

void Serial(const Disk& disk) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .+";
  if (disk.serial.find_first_not_of(kSafe) != std::string::npos) {
    Broken(ErrorDomain::kQemu, fmt::format("driver serial '{}' contains unsafe characters", disk.serial));
  }
}

void NetworkSource(const StorageSource& source) {
  if (source.type != StorageType::kNetwork) return;
  using P = NetworkProtocol;
  if (source.protocol == P::kNfs) {
    if (source.hosts.size() != 1) Unsupported("'nfs' protocol requires the usage of exactly one host");
    if (source.hosts[0].transport != HostTransport::kTcp) Unsupported("'nfs' host must use TCP protocol");
    if (source.hosts[0].port) Unsupported("port cannot be specified in 'nfs' protocol host");
  }
  if (source.auth) {
    constexpr P kWith[] = {P::kRbd, P::kIscsi, P::kHttp, P::kHttps, P::kFtp, P::kFtps, P::kSsh};
    if (std::ranges::find(kWith, source.protocol) == std::end(kWith)) {
      Nonsense(fmt::format("authentication is not supported for protocol '{}'", ToString(source.protocol)));
    }
  }
  if (source.tls == YesNo::kYes && source.protocol != NetworkProtocol::kNbd && source.protocol != NetworkProtocol::kVxhs) {
    Unsupported(fmt::format("TLS transport is not supported for disk protocol '{}'", ToString(source.protocol)));
  }
  if (source.protocol == P::kTftp) Unsupported("'tftp' protocol is not supported with this QEMU binary");
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={} \t";
  for (auto& cookie : source.cookies) {
    if (cookie.name.empty() || cookie.name.find_first_of(kSeparators) != std::string::npos) {
      throw Error(ErrorDomain::kStorage, ErrorCode::kXmlError,
                  fmt::format("cookie name '{}' contains invalid characters", cookie.name));
    }
  }
}

}  // namespace

bool HasSharedMemory(const DomainDef& def) {
  const bool all = def.memory.backing.access == MemoryAccess::kShared;
  if (def.numa.cells.empty()) return all;
  return std::ranges::all_of(def.numa.cells, [&](const NumaCell& cell) {
    return cell.mem_access == MemoryAccess::kShared || (cell.mem_access == MemoryAccess::kDefault && all);
  });
}

void DiskRules(const DomainDef& def) {
  if (def.os.nvram) NetworkSource(def.os.nvram->source);
  for (auto& disk : def.disks) {
    const auto& encryption = disk->source.encryption;
    if (encryption && !encryption->cipher.name.empty()) Nonsense("supplying <cipher> for domain disk definition is unnecessary");
    DeviceAndBus(*disk);
    const bool removable = disk->device == DiskDevice::kCdrom || disk->device == DiskDevice::kFloppy;
    if (!removable && disk->source.IsEmpty()) throw Error(ErrorDomain::kDomain, ErrorCode::kNoSource, disk->dst);
    TargetName(*disk);
    Place(*disk);
    if (disk->source.type == StorageType::kVhostUser) VhostUser(def, *disk);
    Driver(def, *disk);
    Serial(*disk);
    for (const StorageSource* image = &disk->source; image && !image->IsTerminator(); image = image->backing.get()) {
      NetworkSource(*image);
    }
  }
}

}  // namespace bv::qemu::validate
