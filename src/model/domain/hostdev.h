#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/uuid.h"
#include "model/domain/address.h"
#include "model/domain/disk.h"
#include "model/domain/storage_source.h"
#include "model/net_common.h"
#include "model/value.h"

// <hostdev>: a device of the host given to the guest.
namespace bv::model {

enum class HostdevMode : std::uint8_t { kSubsystem, kCapabilities };
template <>
struct Spelling<HostdevMode> {
  static constexpr const char* kNames[] = {"subsystem", "capabilities"};
};
enum class HostdevType : std::uint8_t { kUsb, kPci, kScsi, kScsiHost, kMdev, kStorage, kMisc, kNet };
template <>
struct Spelling<HostdevType> {
  static constexpr const char* kNames[] = {"usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net"};
};
enum class PciBackend : std::uint8_t { kDefault, kKvm, kVfio, kXen };
template <>
struct Spelling<PciBackend> {
  static constexpr const char* kNames[] = {"default", "kvm", "vfio", "xen"};
};
enum class MdevModel : std::uint8_t { kNone, kVfioPci, kVfioCcw, kVfioAp };
template <>
struct Spelling<MdevModel> {
  static constexpr const char* kNames[] = {"", "vfio-pci", "vfio-ccw", "vfio-ap"};
};
enum class UsbGuestReset : std::uint8_t { kDefault, kOff, kUninitialized, kOn };
template <>
struct Spelling<UsbGuestReset> {
  static constexpr const char* kNames[] = {"", "off", "uninitialized", "on"};
};
enum class ScsiProtocol : std::uint8_t { kAdapter, kIscsi };
template <>
struct Spelling<ScsiProtocol> {
  static constexpr const char* kNames[] = {"adapter", "iscsi"};
};

struct HostUsb {
  std::optional<unsigned> bus, device;
  std::optional<unsigned> vendor, product;
  UsbGuestReset guest_reset = UsbGuestReset::kDefault;
  bool autoaddress = false;  // status: address was found by the daemon
};
struct HostPci {
  PciAddress address;
  PciBackend backend = PciBackend::kDefault;
};
struct HostScsi {
  ScsiProtocol protocol = ScsiProtocol::kAdapter;
  std::string adapter;  // "scsi_host0"
  unsigned bus = 0, target = 0;
  std::uint64_t unit = 0;
  // iscsi
  Boxed<StorageSource> iscsi;
  SgIo sgio = SgIo::kDefault;
  YesNo rawio = YesNo::kAbsent;
};
struct HostScsiHost {
  std::string wwpn;
  VirtioModel model = VirtioModel::kDefault;
};
struct HostMdev {
  std::optional<Uuid> uuid;
  MdevModel model = MdevModel::kNone;
  OnOff display = OnOff::kAbsent, ramfb = OnOff::kAbsent;
};

struct Hostdev {
  HostdevMode mode = HostdevMode::kSubsystem;
  HostdevType type = HostdevType::kUsb;
  YesNo managed = YesNo::kAbsent;
  bool missing = false;
  StartupPolicy startup_policy = StartupPolicy::kDefault;
  YesNo write_filtering = YesNo::kAbsent;
  // The one of `type`
  HostUsb usb;
  HostPci pci;
  HostScsi scsi;
  HostScsiHost scsi_host;
  HostMdev mdev;
  // capabilities mode: block device, character device or interface name
  std::string caps_path;
  std::vector<IpAddress> ips;
  std::vector<IpRoute> routes;

  bool readonly = false, shareable = false;
  std::uint8_t teaming = 0;  // TeamingType, see interface.h
  std::string teaming_persistent;
  DeviceInfo info;
};

}  // namespace bv::model
