#include <fmt/format.h>

#include "qemu/defaults/drive_addresses.h"
#include "qemu/defaults/validate.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

void Targets(const DomainDef& def) {
  for (auto& disk : def.disks) {
    unsigned partition = 0;
    if (!DiskNameIndex(disk->dst, &partition)) Unsupported(fmt::format("invalid disk target '{}'", disk->dst));
    if (partition != 0) {
      Unsupported(fmt::format("invalid disk target '{}', partitions can't appear in disk targets", disk->dst));
    }
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
  if (source.type == StorageType::kDir && source.format != StorageFormat::kFat) {
    Unsupported("storage type 'dir' requires use of storage format 'fat'");
  }
  if (!source.encryption) return;
  const bool rbd = source.type == StorageType::kNetwork && source.protocol == NetworkProtocol::kRbd;
  if (source.encryption->engine == EncryptionEngine::kLibrbd && !rbd) {
    Unsupported("librbd encryption is supported only with RBD backed disks");
  }
  if (source.encryption->engine == EncryptionEngine::kQemu && source.encryption->format == EncryptionFormat::kLuks2) {
    Unsupported("luks2 is currently not supported by the qemu encryption engine");
  }
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
    for (const StorageSource* image = &disk->source; image && !image->IsTerminator(); image = image->backing.get()) {
      Format(*image);
    }
  }
}

}  // namespace bv::qemu::validate
