#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "base/uuid.h"
#include "model/domain/address.h"
#include "model/domain/numa.h"
#include "model/value.h"

// Devices that are a handful of attributes each.
namespace bv::model {

// <video>
enum class VideoType : std::uint8_t {
  kDefault, kVga, kCirrus, kVmvga, kXen, kVbox, kQxl, kParallels, kVirtio, kGop, kNone, kBochs, kRamfb,
};
template <>
struct Spelling<VideoType> {
  static constexpr const char* kNames[] = {"default", "vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels", "virtio", "gop",
                                           "none", "bochs", "ramfb"};
};
enum class VideoBackend : std::uint8_t { kDefault, kQemu, kVhostUser };
template <>
struct Spelling<VideoBackend> {
  static constexpr const char* kNames[] = {"default", "qemu", "vhostuser"};
};
enum class VgaConf : std::uint8_t { kDefault, kIo, kOn, kOff };
template <>
struct Spelling<VgaConf> {
  static constexpr const char* kNames[] = {"", "io", "on", "off"};
};
struct VideoAcceleration {
  YesNo accel2d = YesNo::kAbsent, accel3d = YesNo::kAbsent;
  std::string rendernode;
};
struct VideoResolution {
  unsigned x = 0, y = 0;
};
struct Video {
  VideoType type = VideoType::kDefault;
  unsigned ram = 0, vram = 0, vram64 = 0, vgamem = 0;  // KiB
  std::optional<unsigned> heads;
  bool primary = false;
  std::optional<VideoAcceleration> acceleration;
  std::optional<VideoResolution> resolution;
  VideoBackend backend = VideoBackend::kDefault;
  VgaConf vgaconf = VgaConf::kDefault;
  VirtioOptions virtio;
  DeviceInfo info;
};

// <input>
enum class InputType : std::uint8_t { kMouse, kTablet, kKeyboard, kPassthrough, kEvdev };
template <>
struct Spelling<InputType> {
  static constexpr const char* kNames[] = {"mouse", "tablet", "keyboard", "passthrough", "evdev"};
};
enum class InputBus : std::uint8_t { kDefault, kPs2, kUsb, kXen, kParallels, kVirtio, kNone };
template <>
struct Spelling<InputBus> {
  static constexpr const char* kNames[] = {"default", "ps2", "usb", "xen", "parallels", "virtio", "none"};
};
enum class InputGrab : std::uint8_t { kDefault, kAll };
template <>
struct Spelling<InputGrab> {
  static constexpr const char* kNames[] = {"", "all"};
};
enum class InputGrabToggle : std::uint8_t { kDefault, kCtrlCtrl, kAltAlt, kShiftShift, kMetaMeta, kScrolllock, kCtrlScrolllock };
template <>
struct Spelling<InputGrabToggle> {
  static constexpr const char* kNames[] = {"", "ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"};
};
struct Input {
  InputType type = InputType::kMouse;
  InputBus bus = InputBus::kDefault;
  VirtioModel model = VirtioModel::kDefault;
  std::string evdev;  // passthrough, evdev
  InputGrab grab = InputGrab::kDefault;
  InputGrabToggle grab_toggle = InputGrabToggle::kDefault;
  OnOff repeat = OnOff::kAbsent;
  VirtioOptions virtio;
  DeviceInfo info;
};

// <hub>
enum class HubType : std::uint8_t { kUsb };
template <>
struct Spelling<HubType> {
  static constexpr const char* kNames[] = {"usb"};
};
struct Hub {
  HubType type = HubType::kUsb;
  DeviceInfo info;
};

// <sound>
enum class SoundModel : std::uint8_t { kSb16, kEs1370, kPcspk, kAc97, kIch6, kIch9, kUsb, kIch7 };
template <>
struct Spelling<SoundModel> {
  static constexpr const char* kNames[] = {"sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7"};
};
enum class SoundCodec : std::uint8_t { kDuplex, kMicro, kOutput };
template <>
struct Spelling<SoundCodec> {
  static constexpr const char* kNames[] = {"duplex", "micro", "output"};
};
struct SoundCodecEntry {
  SoundCodec type = SoundCodec::kDuplex;
};
struct Sound {
  SoundModel model = SoundModel::kSb16;
  std::vector<SoundCodecEntry> codecs;
  unsigned audio_id = 0;  // 0: none
  DeviceInfo info;
};

// <watchdog>
enum class WatchdogModel : std::uint8_t { kI6300esb, kIb700, kDiag288 };
template <>
struct Spelling<WatchdogModel> {
  static constexpr const char* kNames[] = {"i6300esb", "ib700", "diag288"};
};
enum class WatchdogAction : std::uint8_t { kReset, kShutdown, kPoweroff, kPause, kDump, kNone, kInjectNmi };
template <>
struct Spelling<WatchdogAction> {
  static constexpr const char* kNames[] = {"reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi"};
};
struct Watchdog {
  WatchdogModel model = WatchdogModel::kI6300esb;
  WatchdogAction action = WatchdogAction::kReset;
  DeviceInfo info;
};

// <memballoon>
enum class MemballoonModel : std::uint8_t { kVirtio, kXen, kNone, kTransitional, kNonTransitional };
template <>
struct Spelling<MemballoonModel> {
  static constexpr const char* kNames[] = {"virtio", "xen", "none", "virtio-transitional", "virtio-non-transitional"};
};
struct Memballoon {
  MemballoonModel model = MemballoonModel::kVirtio;
  OnOff autodeflate = OnOff::kAbsent, free_page_reporting = OnOff::kAbsent;
  unsigned stats_period = 0;  // seconds; 0: off
  VirtioOptions virtio;
  DeviceInfo info;
};

// <nvram>
struct NvramDevice {
  DeviceInfo info;
};

// <panic>
enum class PanicModel : std::uint8_t { kDefault, kIsa, kPseries, kHyperv, kS390 };
template <>
struct Spelling<PanicModel> {
  static constexpr const char* kNames[] = {"default", "isa", "pseries", "hyperv", "s390"};
};
struct Panic {
  PanicModel model = PanicModel::kDefault;
  DeviceInfo info;
};

// <shmem>
enum class ShmemModel : std::uint8_t { kIvshmem, kIvshmemPlain, kIvshmemDoorbell };
template <>
struct Spelling<ShmemModel> {
  static constexpr const char* kNames[] = {"ivshmem", "ivshmem-plain", "ivshmem-doorbell"};
};
enum class ShmemRole : std::uint8_t { kDefault, kMaster, kPeer };
template <>
struct Spelling<ShmemRole> {
  static constexpr const char* kNames[] = {"", "master", "peer"};
};
struct ShmemServer {
  std::string path;
};
struct ShmemMsi {
  unsigned vectors = 0;
  OnOff ioeventfd = OnOff::kAbsent;
};
struct Shmem {
  std::string name;
  ShmemModel model = ShmemModel::kIvshmem;
  ShmemRole role = ShmemRole::kDefault;
  std::uint64_t size = 0;  // bytes
  std::optional<ShmemServer> server;
  std::optional<ShmemMsi> msi;
  DeviceInfo info;
};

// <memory> among the devices
enum class MemoryModel : std::uint8_t { kNone, kDimm, kNvdimm, kVirtioPmem, kVirtioMem, kSgxEpc };
template <>
struct Spelling<MemoryModel> {
  static constexpr const char* kNames[] = {"", "dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"};
};
struct MemoryDevice {
  MemoryModel model = MemoryModel::kNone;
  MemoryAccess access = MemoryAccess::kDefault;
  YesNo discard = YesNo::kAbsent;
  std::optional<Uuid> uuid;
  // <source>
  std::optional<Bitmap> source_nodes;
  KiB page_size = 0;
  std::string path;
  KiB align_size = 0;
  bool pmem = false;
  // <target>
  KiB size = 0;
  std::optional<unsigned> node;
  KiB label_size = 0, block_size = 0, requested_size = 0, current_size = 0;
  bool readonly = false;
  DeviceInfo info;
};

// <iommu>
enum class IommuModel : std::uint8_t { kIntel, kSmmuv3, kVirtio };
template <>
struct Spelling<IommuModel> {
  static constexpr const char* kNames[] = {"intel", "smmuv3", "virtio"};
};
struct Iommu {
  IommuModel model = IommuModel::kIntel;
  OnOff intremap = OnOff::kAbsent, caching_mode = OnOff::kAbsent, eim = OnOff::kAbsent, iotlb = OnOff::kAbsent;
  unsigned aw_bits = 0;
  DeviceInfo info;
};

// <vsock>
struct Vsock {
  VirtioModel model = VirtioModel::kDefault;
  YesNo auto_cid = YesNo::kAbsent;
  unsigned guest_cid = 0;
  VirtioOptions virtio;
  DeviceInfo info;
};

// <crypto>
enum class CryptoModel : std::uint8_t { kVirtio };
template <>
struct Spelling<CryptoModel> {
  static constexpr const char* kNames[] = {"virtio"};
};
enum class CryptoType : std::uint8_t { kQemu };
template <>
struct Spelling<CryptoType> {
  static constexpr const char* kNames[] = {"qemu"};
};
enum class CryptoBackend : std::uint8_t { kBuiltin, kLkcf };
template <>
struct Spelling<CryptoBackend> {
  static constexpr const char* kNames[] = {"builtin", "lkcf"};
};
struct Crypto {
  CryptoModel model = CryptoModel::kVirtio;
  CryptoType type = CryptoType::kQemu;
  CryptoBackend backend = CryptoBackend::kBuiltin;
  unsigned queues = 0;
  VirtioOptions virtio;
  DeviceInfo info;
};

// <lease>
struct Lease {
  std::string lockspace, key, path;
  std::uint64_t offset = 0;
};

}  // namespace bv::model
