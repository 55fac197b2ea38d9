#include <fmt/format.h>

#include "base/error.h"
#include "qemu/defaults/drive_addresses.h"
#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

void Targets(const DomainDef& def) {
  for (std::size_t i = 0; i < def.disks.size(); ++i) {
    for (std::size_t j = i + 1; j < def.disks.size(); ++j) {
      const Disk& a = *def.disks[i];
      const Disk& b = *def.disks[j];
      if (a.dst != b.dst) continue;
      BadXml(fmt::format("target '{}' duplicated for disk sources '{}' and '{}'", a.dst, a.source.path, b.source.path));
    }
  }
  for (auto& disk : def.disks) {
    unsigned partition = 0;
    if (DiskNameIndex(disk->dst, &partition) && partition != 0) {
      Unsupported(fmt::format("invalid disk target '{}', partitions can't appear in disk targets", disk->dst));
    }
  }
}

bool IsAllowedAddress(const Disk& disk) {
  AddressType type = disk.info.address.type;
  switch (disk.bus) {
    case DiskBus::kIde:
    case DiskBus::kFdc:
    case DiskBus::kScsi:
    case DiskBus::kSata: return type == AddressType::kDrive;
    case DiskBus::kVirtio:
      return type == AddressType::kPci || type == AddressType::kCcw || type == AddressType::kVirtioMmio ||
             type == AddressType::kVirtioS390 || type == AddressType::kNone || type == AddressType::kUnassigned;
    default: return true;
  }
}

void Place(const Disk& disk) {
  if (disk.bus == DiskBus::kUsb && disk.info.address.type != AddressType::kUsb) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "unexpected address type for usb disk");
  }
  if (!IsAllowedAddress(disk)) {
    Nonsense(fmt::format("Invalid address type '{}' for the disk '{}' with the bus type '{}'",
                         ToString(disk.info.address.type), disk.dst, ToString(disk.bus)));
  }
}

void Format(const StorageSource& source) {
  switch (source.format) {
    case StorageFormat::kDir:
      Unsupported("'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead");
    case StorageFormat::kIso: Unsupported("storage format 'iso' is not directly supported by QEMU, use 'raw' instead");
    case StorageFormat::kFat:
      if (source.type != StorageType::kDir && source.type != StorageType::kVolume) {
        Unsupported("storage format 'fat' is supported only with 'dir' storage type");
      }
      break;
    case StorageFormat::kCow:
      Unsupported(fmt::format("'{}' storage format is not supported", ToString(source.format)));
    default: break;
  }
  if (!source.encryption) return;
  if (source.format != StorageFormat::kRaw && source.format != StorageFormat::kQcow2) {
    Unsupported("encryption is supported only with 'raw' and 'qcow2' image format");
  }
  bool old = source.encryption->format == EncryptionFormat::kDefault || source.encryption->format == EncryptionFormat::kQcow;
  if (old) Unsupported("old qcow/qcow2 encryption is not supported");
}

}  // namespace

void Disks(const DomainDef& def) {
  Targets(def);
  for (auto& disk : def.disks) {
    Place(*disk);
    for (const StorageSource* image = &disk->source; image && !image->IsTerminator(); image = image->backing.get()) {
      Format(*image);
    }
  }
}

}  // namespace bv::qemu::validate
