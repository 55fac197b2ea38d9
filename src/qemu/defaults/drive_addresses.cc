#include "qemu/defaults/drive_addresses.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace bv::qemu {

using namespace model;

namespace {

// libvirt counts a narrow SCSI bus for QEMU: seven devices beside the controller, whatever its model.
constexpr unsigned kScsiUnits = 7;

DriveAddress Split(unsigned index, unsigned buses, unsigned units) {
  DriveAddress address;
  address.controller = index / (buses * units);
  address.bus = index / units % buses;
  address.unit = index % units;
  return address;
}

bool IsAt(const DeviceInfo& info, const DriveAddress& address) {
  return info.address.type == AddressType::kDrive && info.address.drive == address;
}

bool IsUsedByHostdev(const DomainDef& def, const DriveAddress& address) {
  return std::ranges::any_of(def.hostdevs, [&](auto& h) {
    return h->mode == HostdevMode::kSubsystem && h->type == HostdevType::kScsi && IsAt(h->info, address);
  });
}

bool IsUsedByDisk(const DomainDef& def, const DriveAddress& address) {
  return std::ranges::any_of(def.disks, [&](auto& d) { return d->bus == DiskBus::kScsi && IsAt(d->info, address); });
}

}  // namespace

std::optional<unsigned> DiskNameIndex(std::string_view name, unsigned* partition) {
  constexpr std::string_view kPrefixes[] = {"fd", "hd", "vd", "sd", "xvd", "ubd"};
  for (std::string_view prefix : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    std::size_t letters = 0;
    unsigned index = 0;
    for (; letters < name.size() && name[letters] >= 'a' && name[letters] <= 'z'; ++letters) {
      if (letters > 6) return std::nullopt;
      index = index * 26 + static_cast<unsigned>(name[letters] - 'a') + 1;
    }
    if (letters == 0) return std::nullopt;
    std::string_view digits = name.substr(letters);
    if (digits.find_first_not_of("0123456789") != digits.npos || digits.size() > 9) return std::nullopt;
    if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
    if (partition) {
      *partition = 0;
      for (char c : digits) *partition = *partition * 10 + static_cast<unsigned>(c - '0');
    }
    return index - 1;
  }
  return std::nullopt;
}

void AssignDriveAddress(const DomainDef& def, Disk& disk) {
  auto index = DiskNameIndex(disk.dst);
  if (!index) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError,
                fmt::format("Unknown disk name '{}' and no address specified", disk.dst));
  }
  DriveAddress address;
  switch (disk.bus) {
    case DiskBus::kScsi: address = Split(*index, 1, kScsiUnits); break;
    case DiskBus::kIde: address = Split(*index, 2, 2); break;
    case DiskBus::kSata: address = Split(*index, 1, 6); break;
    case DiskBus::kFdc: address = Split(*index, 1, 2); break;
    default: return;
  }
  if (disk.bus == DiskBus::kScsi && IsUsedByHostdev(def, address)) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported,
                fmt::format("using disk target name '{}' conflicts with SCSI host device address controller='{}' bus='{}' "
                            "target='{}' unit='{}'",
                            disk.dst, address.controller, address.bus, address.target, address.unit));
  }
  disk.info.address.type = AddressType::kDrive;
  disk.info.address.drive = address;
}

void AssignScsiHostdevAddress(const DomainDef& def, Hostdev& hostdev) {
  DriveAddress address;
  for (;; ++address.controller) {
    for (address.unit = 0; address.unit < kScsiUnits; ++address.unit) {
      if (IsUsedByDisk(def, address) || IsUsedByHostdev(def, address)) continue;
      hostdev.info.address.type = AddressType::kDrive;
      hostdev.info.address.drive = address;
      return;
    }
  }
}

}  // namespace bv::qemu
