#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "base/error.h"
#include "qemu/defaults/each_device.h"
#include "qemu/defaults/validate.h"
#include "qemu/machine_kind.h"

// Where devices may be.
namespace bv::qemu::validate {

using namespace model;

namespace {

[[noreturn]] void Broken(std::string text) { throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, std::move(text)); }

ControllerModel ScsiModel(const DomainDef& def, unsigned index) {
  for (auto& controller : def.controllers) {
    if (controller->type == ControllerType::kScsi && controller->index == index) return controller->model;
  }
  return ControllerModel::kDefault;
}

void ScsiPlace(const DomainDef& def, const DriveAddress& place) {
  if (place.bus != 0) Broken("SCSI controller only supports 1 bus");
  const ControllerModel model = ScsiModel(def, place.controller);
  if (model == ControllerModel::kLsilogic && place.target != 0) {
    Unsupported("target must be 0 for controller model 'lsilogic'");
  }
}

// What the bus of a disk leaves of controller, bus, target and unit. Anything else that claims such an
// address is measured as a SCSI device.
void DrivePlace(const DomainDef& def, DiskBus bus, const DriveAddress& place) {
  switch (bus) {
    case DiskBus::kIde:
      if (place.controller != 0) Broken("Only 1 IDE controller is supported");
      if (place.target != 0) Unsupported("target must be 0 for ide controller");
      break;
    case DiskBus::kFdc:
      if (place.controller != 0) Broken("Only 1 fdc controller is supported");
      if (place.bus != 0) Broken("Only 1 fdc bus is supported");
      if (place.target != 0) Unsupported("target must be 0 for controller fdc");
      break;
    case DiskBus::kSata:
      if (place.bus != 0) Unsupported("bus must be 0 for sata controller");
      if (place.target != 0) Unsupported("target must be 0 for sata controller");
      break;
    default: ScsiPlace(def, place); break;
  }
}

template <typename Device>
void OneDevice(const DomainDef& def, const Device& device) {
  const Address& address = device.info.address;
  if (address.type == AddressType::kUnassigned && !std::is_same_v<Device, Hostdev>) {
    Nonsense("address of type 'unassigned' is supported only for hostdevs");
  }
  if (address.type == AddressType::kCcw && !IsS390Ccw(def)) {
    Unsupported(fmt::format("cannot use CCW address type for device '{}' using machine type '{}'",
                            device.info.alias.empty() ? "<null>" : device.info.alias, def.os.machine));
  }
  if (device.info.acpi_index && address.type != AddressType::kNone && address.type != AddressType::kPci) Unsupported("ACPI index is only supported for PCI devices");
  const bool rom = device.info.rom.bar != OnOff::kAbsent || device.info.rom.file;
  if (device.info.rom.enabled == YesNo::kNo && rom) Nonsense("ROM tuning is not supported when ROM is disabled");
  if (rom && address.type != AddressType::kPci) Unsupported("ROM tuning is only supported for PCI devices");
  if (address.type != AddressType::kDrive) return;
  DiskBus bus = DiskBus::kScsi;
  if constexpr (std::is_same_v<Device, Disk>) bus = device.bus;
  DrivePlace(def, bus, address.drive);
}

void HostdevPlace(const Hostdev& hostdev, const DeviceInfo& info) {
  const AddressType type = info.address.type;
  if (hostdev.mode != HostdevMode::kSubsystem || type == AddressType::kNone) return;
  switch (hostdev.type) {
    case HostdevType::kPci:
      if (type != AddressType::kPci && type != AddressType::kUnassigned) {
        throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "PCI host devices must use 'pci' or 'unassigned' address type");
      }
      break;
    case HostdevType::kUsb:
      if (type != AddressType::kUsb) Nonsense("USB host device must use 'usb' address type");
      break;
    case HostdevType::kScsi:
      if (type != AddressType::kDrive) Nonsense("SCSI host device must use 'drive' address type");
      break;
    case HostdevType::kScsiHost:
      if (type != AddressType::kPci && type != AddressType::kCcw) Nonsense("SCSI_host host device must use 'pci' or 'ccw' address type");
      break;
    default: break;
  }
}

}  // namespace

void Addresses(const DomainDef& def) {
  for (auto& hostdev : def.hostdevs) HostdevPlace(*hostdev, hostdev->info);
  for (auto& net : def.interfaces) {
    if (net->type == InterfaceType::kHostdev) HostdevPlace(*net->hostdev, net->info);
  }
  ForEachDevice(def, [&](auto& device) { OneDevice(def, device); });
  for (auto& card : def.smartcards) {
    const Address& address = card->info.address;
    if (address.type != AddressType::kCcid) Nonsense("Controllers must use the 'ccid' address type");
    if (address.ccid.controller != 0 || address.ccid.slot != 0 || def.smartcards.size() > 1) {
      Unsupported("this QEMU binary lacks multiple smartcard support");
    }
  }
}

}  // namespace bv::qemu::validate
