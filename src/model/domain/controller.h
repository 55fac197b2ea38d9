#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/domain/address.h"
#include "model/value.h"

// <controller>
namespace bv::model {

enum class ControllerType : std::uint8_t { kIde, kFdc, kScsi, kSata, kVirtioSerial, kCcid, kUsb, kPci, kXenbus, kIsa };
template <>
struct Spelling<ControllerType> {
  static constexpr const char* kNames[] = {"ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa"};
};

// Models of all controller types; which belong to which type is said in controller.cc.
enum class ControllerModel : std::uint8_t {
  kDefault,
  // ide
  kPiix3, kPiix4, kIch6,
  // scsi
  kAuto, kBuslogic, kLsilogic, kLsisas1068, kVmpvscsi, kIbmvscsi, kVirtioScsi, kLsisas1078, kScsiTransitional,
  kScsiNonTransitional, kNcr53c90, kDc390, kAm53c974,
  // usb
  kPiix3Uhci, kPiix4Uhci, kEhci, kIch9Ehci1, kIch9Uhci1, kIch9Uhci2, kIch9Uhci3, kVt82c686bUhci, kPciOhci, kNecXhci,
  kQusb1, kQusb2, kQemuXhci, kUsbNone,
  // pci
  kPciRoot, kPcieRoot, kPciBridge, kDmiToPciBridge, kPcieToPciBridge, kPcieRootPort, kPcieSwitchUpstreamPort,
  kPcieSwitchDownstreamPort, kPciExpanderBus, kPcieExpanderBus,
  // virtio-serial
  kVirtio, kVirtioTransitional, kVirtioNonTransitional,
};
template <>
struct Spelling<ControllerModel> {
  static constexpr const char* kNames[] = {
      "", "piix3", "piix4", "ich6",
      "auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi", "ibmvscsi", "virtio-scsi", "lsisas1078", "virtio-transitional",
      "virtio-non-transitional", "ncr53c90", "dc390", "am53c974",
      "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "vt82c686b-uhci", "pci-ohci",
      "nec-xhci", "qusb1", "qusb2", "qemu-xhci", "none",
      "pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge", "pcie-root-port",
      "pcie-switch-upstream-port", "pcie-switch-downstream-port", "pci-expander-bus", "pcie-expander-bus",
      "virtio", "virtio-transitional", "virtio-non-transitional"};
};

// <model name='..'/> of a PCI controller: the device that plays the model.
enum class PciControllerDevice : std::uint8_t {
  kNone, kPciBridge, kI82801b11Bridge, kIoh3420, kX3130Upstream, kXio3130Downstream, kPxb, kPxbPcie, kPcieRootPort,
  kSpaprPciHostBridge, kPciePciBridge,
};
template <>
struct Spelling<PciControllerDevice> {
  static constexpr const char* kNames[] = {"", "pci-bridge", "i82801b11-bridge", "ioh3420", "x3130-upstream", "xio3130-downstream",
                                           "pxb", "pxb-pcie", "pcie-root-port", "spapr-pci-host-bridge", "pcie-pci-bridge"};
};

struct PciControllerOptions {
  bool pcihole64 = false;
  KiB pcihole64_size = 0;
  PciControllerDevice device = PciControllerDevice::kNone;
  std::optional<unsigned> chassis_nr, chassis, port, bus_nr, target_index, numa_node;
  OnOff hotplug = OnOff::kAbsent;
};

struct Controller {
  ControllerType type = ControllerType::kIde;
  std::optional<unsigned> index;  // defaults fill it
  ControllerModel model = ControllerModel::kDefault;
  std::optional<unsigned> ports, vectors;           // virtio-serial, usb (ports)
  std::optional<unsigned> max_grant_frames, max_event_channels;  // xenbus
  PciControllerOptions pci;
  // <driver>
  unsigned queues = 0, cmd_per_lun = 0, max_sectors = 0;
  OnOff ioeventfd = OnOff::kAbsent;
  unsigned iothread = 0;
  VirtioOptions virtio;
  DeviceInfo info;
};

}  // namespace bv::model
