#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/uuid.h"
#include "model/value.h"

// Where a device sits in its guest (<address>), and what every device has besides.
namespace bv::model {

enum class AddressType : std::uint8_t {
  kNone, kPci, kDrive, kVirtioSerial, kCcid, kUsb, kSpaprVio, kVirtioS390, kCcw, kVirtioMmio, kIsa, kDimm, kUnassigned,
};
template <>
struct Spelling<AddressType> {
  static constexpr const char* kNames[] = {"", "pci", "drive", "virtio-serial", "ccid", "usb", "spapr-vio", "virtio-s390",
                                           "ccw", "virtio-mmio", "isa", "dimm", "unassigned"};
};

struct ZpciAddress {
  std::optional<unsigned> uid, fid;
};

struct PciAddress {
  unsigned domain = 0, bus = 0, slot = 0, function = 0;
  OnOff multifunction = OnOff::kAbsent;
  ZpciAddress zpci;

  // All zero is libvirt's "choose one": no device can be at 0000:00:00.0.
  bool IsEmpty() const { return !(domain || bus || slot || function); }
  bool SamePlace(const PciAddress& o) const {
    return domain == o.domain && bus == o.bus && slot == o.slot && function == o.function;
  }
};

struct DriveAddress {
  unsigned controller = 0, bus = 0, target = 0, unit = 0;
  bool operator==(const DriveAddress&) const = default;
};

struct UsbAddress {
  unsigned bus = 0;
  std::array<unsigned, 4> port{};  // path of ports through hubs; 0 ends it
  bool HasPort() const { return port[0] != 0; }
};

struct CcwAddress {
  unsigned cssid = 0, ssid = 0, devno = 0;
  bool assigned = false;
};

// Only the part that belongs to `type` means anything.
struct Address {
  AddressType type = AddressType::kNone;
  PciAddress pci;
  DriveAddress drive;
  UsbAddress usb;
  struct { unsigned controller = 0, bus = 0, port = 0; } virtio_serial;
  struct { unsigned controller = 0, slot = 0; } ccid;
  std::optional<std::uint64_t> spapr_reg;
  CcwAddress ccw;
  struct { unsigned iobase = 0, irq = 0; } isa;
  struct { unsigned slot = 0; std::uint64_t base = 0; } dimm;
};

struct DeviceRom {
  YesNo enabled = YesNo::kAbsent;
  OnOff bar = OnOff::kAbsent;
  std::optional<std::string> file;
};

// What any device may have: <alias>, <master>, <boot>, <rom>, <acpi>, <address>.
struct DeviceInfo {
  // Names starting with "ua-" are the user's own and persistent; others are made at start.
  std::string alias;
  std::optional<unsigned> master_startport;  // USB companion controllers
  unsigned boot_order = 0;                   // 0: none
  std::string loadparm;
  DeviceRom rom;
  unsigned acpi_index = 0;  // 0: none
  Address address;
};

// virtio device options: attributes of the device's <driver>.
struct VirtioOptions {
  OnOff iommu = OnOff::kAbsent, ats = OnOff::kAbsent, packed = OnOff::kAbsent, page_per_vq = OnOff::kAbsent;
};

// The models that most virtio devices share.
enum class VirtioModel : std::uint8_t { kDefault, kVirtio, kTransitional, kNonTransitional };
template <>
struct Spelling<VirtioModel> {
  static constexpr const char* kNames[] = {"", "virtio", "virtio-transitional", "virtio-non-transitional"};
};

}  // namespace bv::model
