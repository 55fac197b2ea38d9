#include "qemu/defaults/pci_connect.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "qemu/defaults/pci_bus.h"

namespace bv::qemu {

using namespace model;

namespace {

// Transitional virtio devices have I/O space, which PCIe ports do not offer.
unsigned Virtio(VirtioModel model, PciBoard board) {
  return model == VirtioModel::kTransitional ? board.pci_device() : board.pcie_device();
}

unsigned OfScsi(ControllerModel model, PciBoard board) {
  switch (model) {
    case ControllerModel::kVirtioScsi:
    case ControllerModel::kScsiNonTransitional: return board.pcie_device();
    case ControllerModel::kScsiTransitional:
    case ControllerModel::kBuslogic:
    case ControllerModel::kLsilogic:
    case ControllerModel::kLsisas1068:
    case ControllerModel::kLsisas1078:
    case ControllerModel::kVmpvscsi:
    case ControllerModel::kNcr53c90:
    case ControllerModel::kDc390:
    case ControllerModel::kAm53c974: return board.pci_device();
    default: return 0;
  }
}

unsigned OfUsb(ControllerModel model, PciBoard board) {
  switch (model) {
    case ControllerModel::kNecXhci:
    case ControllerModel::kQemuXhci: return board.pcie_device();
    case ControllerModel::kDefault:
    case ControllerModel::kUsbNone:
    case ControllerModel::kQusb1:
    case ControllerModel::kQusb2: return 0;
    default: return board.pci_device();
  }
}

// A device of the host that is PCIe has an extended configuration space. One that is not there (yet)
// counts as PCIe.
bool IsHostDeviceExpress(const PciAddress& address) {
  std::string path = "/sys/bus/pci/devices/" + FormatPciPlace(address) + "/config";
  struct stat info;
  constexpr off_t kConventionalConfigSize = 256;
  return stat(path.c_str(), &info) < 0 || info.st_size > kConventionalConfigSize;
}

}  // namespace

unsigned PciBoard::pci_device() const { return kPciDevice | kPciHotpluggable; }
unsigned PciBoard::pcie_device() const { return (pcie ? kPcieDevice : kPciDevice) | kPciHotpluggable; }

unsigned PciConnectOf(const Controller& controller, PciBoard board) {
  switch (controller.type) {
    case ControllerType::kPci: return PciConnectOf(controller.model);
    case ControllerType::kIde:
    case ControllerType::kSata: return board.pci_device();
    case ControllerType::kScsi: return OfScsi(controller.model, board);
    case ControllerType::kUsb: return OfUsb(controller.model, board);
    case ControllerType::kVirtioSerial:
      return controller.model == ControllerModel::kVirtioTransitional ? board.pci_device() : board.pcie_device();
    default: return 0;
  }
}

unsigned PciConnectOf(const Disk& disk, PciBoard board) {
  return disk.bus == DiskBus::kVirtio ? Virtio(disk.model, board) : 0;
}

unsigned PciConnectOf(const Filesystem& fs, PciBoard board) {
  bool loop = fs.driver == FsDriver::kLoop || fs.driver == FsDriver::kNbd || fs.driver == FsDriver::kPloop;
  return loop ? 0 : Virtio(fs.model, board);
}

unsigned PciConnectOf(const Interface& net, PciBoard board) {
  if (net.model == "virtio" || net.model == "virtio-non-transitional" || net.model == "e1000e") {
    return board.pcie_device();
  }
  // Models that libvirt has no name for count as PCIe.
  constexpr std::string_view kConventional[] = {"rtl8139", "e1000", "virtio-transitional", "netfront", "lan9118", "scm91c111", "vlance",
                                                "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A", "Am79C973", "82540EM", "82545EM", "82543GC"};
  if (net.model == "usb-net" || net.model == "spapr-vlan") return 0;
  return std::ranges::find(kConventional, net.model) != std::end(kConventional) ? board.pci_device() : board.pcie_device();
}

unsigned PciConnectOf(const Sound& sound, PciBoard board) {
  switch (sound.model) {
    case SoundModel::kSb16:
    case SoundModel::kPcspk:
    case SoundModel::kUsb: return 0;
    default: return board.pci_device();
  }
}

unsigned PciConnectOf(const Hostdev& hostdev, const DeviceInfo& info, PciBoard board) {
  if (hostdev.mode != HostdevMode::kSubsystem) return 0;
  if (hostdev.type == HostdevType::kScsiHost) return Virtio(hostdev.scsi_host.model, board);
  if (hostdev.type == HostdevType::kMdev) return hostdev.mdev.model == MdevModel::kVfioPci ? board.pcie_device() : 0;
  if (hostdev.type != HostdevType::kPci) return 0;
  bool placed = info.address.type == AddressType::kPci && !info.address.pci.IsEmpty();
  if (!board.pcie || placed || IsHostDeviceExpress(hostdev.pci.address)) return board.pcie_device();
  return board.pci_device();
}

unsigned PciConnectOf(const Memballoon& balloon, PciBoard board) {
  switch (balloon.model) {
    case MemballoonModel::kVirtio:
    case MemballoonModel::kNonTransitional: return board.pcie_device();
    case MemballoonModel::kTransitional: return board.pci_device();
    default: return 0;
  }
}

unsigned PciConnectOf(const Rng& rng, PciBoard board) { return Virtio(rng.model, board); }

unsigned PciConnectOf(const Watchdog& watchdog, PciBoard board) {
  return watchdog.model == WatchdogModel::kI6300esb ? board.pci_device() : 0;
}

unsigned PciConnectOf(const Video& video, PciBoard board) {
  switch (video.type) {
    case VideoType::kVga:
    case VideoType::kCirrus:
    case VideoType::kVmvga:
    case VideoType::kQxl: return board.pci_device();
    case VideoType::kVirtio:
    case VideoType::kBochs: return board.pcie_device();
    case VideoType::kNone:
    case VideoType::kRamfb: return 0;
    default: return board.pci_device();
  }
}

unsigned PciConnectOf(const Shmem&, PciBoard board) { return board.pci_device(); }

unsigned PciConnectOf(const Input& input, PciBoard board) {
  return input.bus == InputBus::kVirtio ? Virtio(input.model, board) : 0;
}

unsigned PciConnectOf(const Chardev& chardev, PciBoard board) {
  return chardev.kind == ChardevKind::kSerial && chardev.serial_target == SerialTarget::kPci ? board.pci_device() : 0;
}

unsigned PciConnectOf(const Vsock& vsock, PciBoard board) { return Virtio(vsock.model, board); }

unsigned PciConnectOf(const Iommu& iommu, PciBoard board) {
  return iommu.model == IommuModel::kVirtio ? (board.pcie_device() & ~static_cast<unsigned>(kPciHotpluggable)) | kPciIntegrated
                                            : 0;
}

unsigned PciConnectOf(const Crypto&, PciBoard board) { return board.pcie_device(); }

unsigned PciConnectOf(const MemoryDevice& memory, PciBoard board) {
  bool virtio = memory.model == MemoryModel::kVirtioPmem || memory.model == MemoryModel::kVirtioMem;
  return virtio ? board.pcie_device() : 0;
}

}  // namespace bv::qemu
