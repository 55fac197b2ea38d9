#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "model/domain/address.h"
#include "model/domain/storage_source.h"
#include "model/value.h"

// <disk>
namespace bv::model {

enum class DiskDevice : std::uint8_t { kDisk, kCdrom, kFloppy, kLun };
template <>
struct Spelling<DiskDevice> {
  static constexpr const char* kNames[] = {"disk", "cdrom", "floppy", "lun"};
};
enum class DiskBus : std::uint8_t { kNone, kIde, kFdc, kScsi, kVirtio, kXen, kUsb, kUml, kSata, kSd };
template <>
struct Spelling<DiskBus> {
  static constexpr const char* kNames[] = {"", "ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd"};
};
enum class DiskCache : std::uint8_t { kDefault, kNone, kWritethrough, kWriteback, kDirectsync, kUnsafe };
template <>
struct Spelling<DiskCache> {
  static constexpr const char* kNames[] = {"default", "none", "writethrough", "writeback", "directsync", "unsafe"};
};
enum class DiskErrorPolicy : std::uint8_t { kDefault, kStop, kReport, kIgnore, kEnospace };
template <>
struct Spelling<DiskErrorPolicy> {
  static constexpr const char* kNames[] = {"", "stop", "report", "ignore", "enospace"};
};
enum class DiskIo : std::uint8_t { kDefault, kNative, kThreads, kIoUring };
template <>
struct Spelling<DiskIo> {
  static constexpr const char* kNames[] = {"", "native", "threads", "io_uring"};
};
enum class DiskDiscard : std::uint8_t { kDefault, kUnmap, kIgnore };
template <>
struct Spelling<DiskDiscard> {
  static constexpr const char* kNames[] = {"", "unmap", "ignore"};
};
enum class DiskDetectZeroes : std::uint8_t { kDefault, kOff, kOn, kUnmap };
template <>
struct Spelling<DiskDetectZeroes> {
  static constexpr const char* kNames[] = {"", "off", "on", "unmap"};
};
enum class DiskTray : std::uint8_t { kClosed, kOpen };
template <>
struct Spelling<DiskTray> {
  static constexpr const char* kNames[] = {"closed", "open"};
};
enum class GeometryTrans : std::uint8_t { kDefault, kNone, kAuto, kLba };
template <>
struct Spelling<GeometryTrans> {
  static constexpr const char* kNames[] = {"", "none", "auto", "lba"};
};
enum class SgIo : std::uint8_t { kDefault, kFiltered, kUnfiltered };
template <>
struct Spelling<SgIo> {
  static constexpr const char* kNames[] = {"", "filtered", "unfiltered"};
};
enum class SnapshotLocation : std::uint8_t { kDefault, kNo, kInternal, kExternal, kManual };
template <>
struct Spelling<SnapshotLocation> {
  static constexpr const char* kNames[] = {"", "no", "internal", "external", "manual"};
};

struct DiskDriver {
  std::string name;  // "qemu"
  DiskCache cache = DiskCache::kDefault;
  DiskErrorPolicy error_policy = DiskErrorPolicy::kDefault, rerror_policy = DiskErrorPolicy::kDefault;
  DiskIo io = DiskIo::kDefault;
  OnOff ioeventfd = OnOff::kAbsent, event_idx = OnOff::kAbsent, copy_on_read = OnOff::kAbsent;
  DiskDiscard discard = DiskDiscard::kDefault;
  DiskDetectZeroes detect_zeroes = DiskDetectZeroes::kDefault;
  unsigned iothread = 0;  // 0: none
  unsigned queues = 0, queue_size = 0;
  VirtioOptions virtio;
};

struct DiskGeometry {
  unsigned cylinders = 0, heads = 0, sectors = 0;
  GeometryTrans trans = GeometryTrans::kDefault;
};

// Throttling; 0 is unlimited.
struct IoTune {
  std::uint64_t total_bytes = 0, read_bytes = 0, write_bytes = 0;
  std::uint64_t total_iops = 0, read_iops = 0, write_iops = 0;
  std::uint64_t total_bytes_max = 0, read_bytes_max = 0, write_bytes_max = 0;
  std::uint64_t total_iops_max = 0, read_iops_max = 0, write_iops_max = 0;
  std::uint64_t size_iops = 0;
  std::string group;
  std::uint64_t total_bytes_max_length = 0, read_bytes_max_length = 0, write_bytes_max_length = 0;
  std::uint64_t total_iops_max_length = 0, read_iops_max_length = 0, write_iops_max_length = 0;
};

enum class MirrorJob : std::uint8_t { kNone, kCopy, kActiveCommit };
template <>
struct Spelling<MirrorJob> {
  static constexpr const char* kNames[] = {"", "copy", "active-commit"};
};
enum class MirrorState : std::uint8_t { kNone, kReady, kAbort, kPivot };
template <>
struct Spelling<MirrorState> {
  static constexpr const char* kNames[] = {"", "yes", "abort", "pivot"};
};
struct DiskMirror {
  MirrorJob job = MirrorJob::kNone;
  MirrorState state = MirrorState::kNone;
  StorageSource source;
};

struct Disk {
  DiskDevice device = DiskDevice::kDisk;
  StorageSource source;
  std::string dst;  // target dev: "vda"
  DiskBus bus = DiskBus::kNone;
  DiskTray tray = DiskTray::kClosed;
  OnOff removable = OnOff::kAbsent;
  unsigned rotation_rate = 0;
  VirtioModel model = VirtioModel::kDefault;
  YesNo rawio = YesNo::kAbsent;
  SgIo sgio = SgIo::kDefault;
  SnapshotLocation snapshot = SnapshotLocation::kDefault;
  DiskDriver driver;
  std::unique_ptr<DiskMirror> mirror;
  DiskGeometry geometry;
  struct {
    unsigned logical = 0, physical = 0;
  } blockio;
  IoTune iotune;
  std::string domain_name;  // <backenddomain>
  bool transient = false;
  YesNo transient_share_backing = YesNo::kAbsent;
  std::string serial, wwn, vendor, product;
  DeviceInfo info;
};

}  // namespace bv::model
