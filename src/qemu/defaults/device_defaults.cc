#include "qemu/defaults/device_defaults.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "qemu/defaults/drive_addresses.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

[[noreturn]] void ThrowXml(ErrorDomain domain, std::string text) {
  throw Error(domain, ErrorCode::kXmlError, std::move(text));
}

DiskBus BusOfName(const Disk& disk) {
  if (disk.device == DiskDevice::kFloppy) return DiskBus::kFdc;
  std::string_view name = disk.dst;
  if (name.starts_with("sd")) return DiskBus::kScsi;
  if (name.starts_with("vd")) return DiskBus::kVirtio;
  if (name.starts_with("xvd")) return DiskBus::kXen;
  if (name.starts_with("ubd")) return DiskBus::kUml;
  return DiskBus::kIde;
}

// Models that libvirt knows are written in one spelling, however they were given.
void CanonicalizeModel(std::string& model) {
  constexpr const char* kKnown[] = {"netfront", "rtl8139", "virtio", "e1000", "e1000e", "virtio-transitional",
                                    "virtio-non-transitional", "usb-net", "spapr-vlan", "lan9118", "scm91c111", "vlance",
                                    "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A", "Am79C973", "82540EM", "82545EM", "82543GC"};
  for (const char* known : kKnown) {
    if (strcasecmp(known, model.c_str()) == 0) model = known;
  }
}

const char* DefaultNetModel(const QemuCaps& caps) {
  for (const char* device : {"rtl8139", "e1000"}) {
    if (caps.HasDevice(device)) return device;
  }
  return caps.HasDevice("virtio-net-pci") ? "virtio" : "";
}

ControllerModel DefaultScsiModel(const QemuCaps& caps, const Controller& controller) {
  if (caps.Has(QemuCap::kLsi)) return ControllerModel::kLsilogic;
  if (caps.Has(QemuCap::kVirtioScsiPci)) return ControllerModel::kVirtioScsi;
  throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
              fmt::format("Unable to determine model for SCSI controller idx={}", *controller.index));
}

void CompleteUsbController(const QemuCaps& caps, Controller& controller) {
  if (controller.model == ControllerModel::kDefault) {
    if (caps.Has(QemuCap::kPiix3UsbUhci)) {
      controller.model = ControllerModel::kPiix3Uhci;
    } else if (caps.Has(QemuCap::kPciOhci)) {
      controller.model = ControllerModel::kPciOhci;
    }
  }
  if (controller.model == ControllerModel::kQusb1 || controller.model == ControllerModel::kQusb2) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                fmt::format("USB controller model type '{}' is not supported in this hypervisor", ToString(controller.model)));
  }
}

void CheckPciController(const DomainDef& def, const Controller& controller) {
  bool root = controller.model == ControllerModel::kPciRoot || controller.model == ControllerModel::kPcieRoot;
  if (root && *controller.index != 0) {
    ThrowXml(ErrorDomain::kQemu, "pci-root and pcie-root controllers should have index 0");
  }
  bool expander =
      controller.model == ControllerModel::kPciExpanderBus || controller.model == ControllerModel::kPcieExpanderBus;
  if (expander && *controller.index == 0) {
    ThrowXml(ErrorDomain::kQemu, "index for pci controllers of model 'pci-expander-bus' must be > 0");
  }
  if (controller.pci.numa_node && *controller.pci.numa_node >= def.numa.cells.size()) {
    ThrowXml(ErrorDomain::kQemu,
             fmt::format("{} with index {} is configured for a NUMA node ({}) not present in the domain's <cpu><numa> array ({})",
                         ToString(controller.model), *controller.index, *controller.pci.numa_node, def.numa.cells.size()));
  }
}

VideoType DefaultVideoType(const QemuCaps& caps) {
  if (caps.Has(QemuCap::kCirrusVga)) return VideoType::kCirrus;
  if (caps.Has(QemuCap::kVga)) return VideoType::kVga;
  return caps.HasDevice("virtio-gpu-pci") ? VideoType::kVirtio : VideoType::kDefault;
}

void NumberAudio(DomainDef& def) {
  unsigned next = 0;
  for (auto& audio : def.audios) next = std::max(next, audio->id);
  for (auto& audio : def.audios) {
    if (audio->id == 0) audio->id = ++next;
  }
}

unsigned DefaultPort(NetworkProtocol protocol) {
  switch (protocol) {
    case NetworkProtocol::kHttp: return 80;
    case NetworkProtocol::kHttps: return 443;
    case NetworkProtocol::kFtp: return 21;
    case NetworkProtocol::kFtps: return 990;
    case NetworkProtocol::kTftp: return 69;
    case NetworkProtocol::kSheepdog: return 7000;
    case NetworkProtocol::kNbd: return 10809;
    case NetworkProtocol::kSsh: return 22;
    case NetworkProtocol::kIscsi: return 3260;
    case NetworkProtocol::kGluster: return 24007;
    case NetworkProtocol::kVxhs: return 9999;
    default: return 0;  // the client library knows
  }
}

void CompletePorts(StorageSource& source) {
  for (auto& host : source.hosts) {
    if (host.transport == HostTransport::kTcp && host.port == 0) host.port = DefaultPort(source.protocol);
  }
}

}  // namespace

void CompleteDisk(const DomainDef& def, Disk& disk) {
  if (disk.bus == DiskBus::kNone) disk.bus = BusOfName(disk);
  if (disk.driver.name.empty()) disk.driver.name = "qemu";
  StorageSource& source = disk.source;
  if (source.IsEmpty()) source.type = StorageType::kFile;
  if (source.format == StorageFormat::kNone) source.format = StorageFormat::kRaw;
  if (disk.mirror && disk.mirror->source.format == StorageFormat::kNone) disk.mirror->source.format = StorageFormat::kRaw;
  for (StorageSource* image = &source; image; image = image->backing.get()) {
    CompletePorts(*image);
    if (image->encryption && image->encryption->engine == EncryptionEngine::kDefault) {
      image->encryption->engine = EncryptionEngine::kQemu;
    }
  }
  // Nobody can take a snapshot of what another process serves.
  if (source.type == StorageType::kVhostUser && disk.snapshot == SnapshotLocation::kDefault) {
    disk.snapshot = SnapshotLocation::kNo;
  }
  if (disk.info.address.type == AddressType::kNone && !disk.dst.empty()) AssignDriveAddress(def, disk);
}

void CompleteInterface(const DomainDef&, const QemuCaps& caps, Interface& net) {
  if (!net.mac) {
    net.mac = MacAddress::Generate();
    net.mac_generated = true;
  }
  if (net.type == InterfaceType::kVdpa && net.model.empty()) net.model = "virtio";
  if (net.model.empty() && net.type != InterfaceType::kHostdev) net.model = DefaultNetModel(caps);
  CanonicalizeModel(net.model);
}

void CompleteController(DomainDef& def, const QemuCaps& caps, Controller& controller) {
  switch (controller.type) {
    case ControllerType::kUsb: CompleteUsbController(caps, controller); break;
    case ControllerType::kPci: CheckPciController(def, controller); break;
    case ControllerType::kScsi:
      if (controller.model == ControllerModel::kDefault || controller.model == ControllerModel::kAuto) {
        controller.model = DefaultScsiModel(caps, controller);
      }
      break;
    default: break;
  }
}

void CompleteVideo(const DomainDef&, const QemuCaps& caps, Video& video) {
  constexpr unsigned kVga = 16 * 1024, kQxl = 64 * 1024;  // KiB
  if (video.type == VideoType::kDefault) video.type = DefaultVideoType(caps);
  if (video.type == VideoType::kNone) {
    video.info.address = {};
    video.heads.reset();
    video.vram = 0;
    video.primary = false;
    video.acceleration.reset();
  } else if (!video.heads) video.heads = 1;
  switch (video.type) {
    case VideoType::kQxl:
      if (!video.ram) video.ram = kQxl;
      if (!video.vram) video.vram = kQxl;
      if (!video.vgamem) video.vgamem = kVga;
      video.ram = std::bit_ceil(video.ram);
      video.vram = std::bit_ceil(video.vram);
      video.vgamem = std::bit_ceil(video.vgamem);
      break;
    case VideoType::kVga:
    case VideoType::kCirrus:
    case VideoType::kVmvga:
    case VideoType::kBochs:
      if (!video.vram) video.vram = kVga;
      video.vram = std::bit_ceil(video.vram);
      break;
    default: break;
  }
}

void CompleteHostdev(const DomainDef& def, Hostdev& hostdev) {
  if (hostdev.mode != HostdevMode::kSubsystem) return;
  if (hostdev.type == HostdevType::kMdev && hostdev.mdev.model == MdevModel::kVfioPci &&
      hostdev.mdev.display == OnOff::kAbsent) {
    hostdev.mdev.display = OnOff::kOff;
  }
  if (hostdev.type == HostdevType::kScsi && hostdev.info.address.type == AddressType::kNone) {
    AssignScsiHostdevAddress(def, hostdev);
  }
}

// The bus that such a device has on real boards of the kind.
void CompleteInput(const DomainDef& def, Input& input) {
  if (input.bus != InputBus::kDefault) return;
  switch (input.type) {
    case InputType::kMouse:
    case InputType::kKeyboard: input.bus = IsX86(def) ? InputBus::kPs2 : IsS390(def) ? InputBus::kVirtio : InputBus::kUsb; break;
    case InputType::kTablet: input.bus = IsS390(def) ? InputBus::kVirtio : InputBus::kUsb; break;
    case InputType::kPassthrough: input.bus = InputBus::kVirtio; break;
    case InputType::kEvdev: break;
  }
}

void CompleteShmem(Shmem& shmem) {
  constexpr std::uint64_t kDefaultSize = 4u << 20;
  if (shmem.model != ShmemModel::kIvshmemDoorbell && shmem.size == 0) shmem.size = kDefaultSize;
  if (shmem.model == ShmemModel::kIvshmem) return;
  std::string name(ToString(shmem.model));
  auto unsupported = [&](const char* what) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, fmt::format("shmem model '{}' {}", name, what));
  };
  if (!shmem.server) {
    if (shmem.model == ShmemModel::kIvshmemDoorbell) unsupported("is supported only with server option enabled");
    if (shmem.msi) unsupported("doesn't support msi");
    return;
  }
  if (shmem.model == ShmemModel::kIvshmemPlain) unsupported("is supported only without server option enabled");
  if (shmem.size != 0) unsupported("does not support size setting");
  if (!shmem.msi) shmem.msi.emplace();
  if (shmem.msi->ioeventfd == OnOff::kAbsent) shmem.msi->ioeventfd = OnOff::kOn;
}

void CompleteTpm(const DomainDef& def, Tpm& tpm) {
  if (tpm.model == TpmModel::kDefault) tpm.model = IsPseries(def) ? TpmModel::kSpapr : TpmModel::kTis;
  // The two versions do not understand each other's state: the choice is made once and kept.
  if (tpm.backend == TpmBackend::kEmulator && tpm.version == TpmVersion::kDefault) {
    bool modern = tpm.model == TpmModel::kSpapr || tpm.model == TpmModel::kCrb || IsArm(def);
    tpm.version = modern ? TpmVersion::k20 : TpmVersion::k12;
  }
}

void CompleteGraphics(const QemuConfig& config, Graphics& graphics) {
  bool listens = graphics.type == GraphicsType::kVnc || graphics.type == GraphicsType::kSpice;
  if (!listens) return;
  // A socket in our own directories was made for one run of the guest.
  for (auto& listen : graphics.listens) {
    if (listen.type != ListenType::kSocket || !listen.socket.starts_with(config.dirs.lib + "/")) continue;
    listen = {.type = ListenType::kAddress};
    if (graphics.type == GraphicsType::kVnc && graphics.port == 0) graphics.autoport = true;
  }
  if (graphics.listens.empty()) graphics.listens.push_back({.type = ListenType::kAddress});
  GraphicsListen& first = graphics.listens[0];
  // Without any port nobody can connect: the guest is asked not to listen.
  if (graphics.type == GraphicsType::kSpice && first.type == ListenType::kAddress && graphics.port == 0 &&
      graphics.tls_port == 0 && !graphics.autoport) {
    first = {.type = ListenType::kNone};
  }
}

void CompleteDevices(DomainDef& def, const QemuCaps& caps, const QemuConfig& config) {
  for (auto& d : def.disks) CompleteDisk(def, *d);
  for (auto& d : def.interfaces) CompleteInterface(def, caps, *d);
  for (auto& d : def.hostdevs) CompleteHostdev(def, *d);
  for (auto& d : def.filesystems) {
    // A virtiofsd that somebody else runs decides for itself.
    if (d->access_mode == FsAccessMode::kDefault && d->socket.empty()) d->access_mode = FsAccessMode::kPassthrough;
  }
  for (auto& d : def.controllers) CompleteController(def, caps, *d);
  CompleteChardevs(def, config);
  for (auto& d : def.shmems) CompleteShmem(*d);
  for (auto& d : def.redirdevs) {
    if (d->source.type == ChardevType::kDbus && d->source.path.empty()) d->source.path = "org.qemu.usbredir";
  }
  for (auto& d : def.rngs) {
    if (d->backend == RngBackend::kRandom && d->path.empty()) d->path = "/dev/random";
  }
  for (auto& d : def.panics) {
    if (d->model == PanicModel::kDefault) d->model = IsPseries(def) ? PanicModel::kPseries : PanicModel::kIsa;
  }
  for (auto& d : def.tpms) CompleteTpm(def, *d);
  for (auto& d : def.graphics) CompleteGraphics(config, *d);
  for (auto& d : def.videos) CompleteVideo(def, caps, *d);
  if (def.vsock) {
    Vsock& vsock = *def.vsock;
    if (vsock.model == VirtioModel::kDefault) vsock.model = VirtioModel::kVirtio;
    if (vsock.auto_cid == YesNo::kAbsent) vsock.auto_cid = ToYesNo(vsock.guest_cid == 0);
  }
  NumberAudio(def);
}

}  // namespace bv::qemu
