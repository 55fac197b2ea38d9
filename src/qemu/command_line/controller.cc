#include "qemu/command_line/controller.h"

#include <algorithm>

#include "qemu/command_line/device.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

const char* UsbDriver(ControllerModel model) {
  switch (model) {
    case ControllerModel::kPiix3Uhci:
      return "piix3-usb-uhci";
    case ControllerModel::kPiix4Uhci:
      return "piix4-usb-uhci";
    case ControllerModel::kEhci:
      return "usb-ehci";
    case ControllerModel::kIch9Ehci1:
      return "ich9-usb-ehci1";
    case ControllerModel::kIch9Uhci1:
      return "ich9-usb-uhci1";
    case ControllerModel::kIch9Uhci2:
      return "ich9-usb-uhci2";
    case ControllerModel::kIch9Uhci3:
      return "ich9-usb-uhci3";
    case ControllerModel::kVt82c686bUhci:
      return "vt82c686b-usb-uhci";
    case ControllerModel::kPciOhci:
      return "pci-ohci";
    case ControllerModel::kNecXhci:
      return "nec-usb-xhci";
    case ControllerModel::kQemuXhci:
      return "qemu-xhci";
    default:
      return nullptr;
  }
}

Props UsbController(const Controller& controller, const Context& context) {
  if (controller.model == ControllerModel::kVt82c686bUhci && !context.caps.HasDevice("vt82c686b-usb-uhci")) {
    throw Unsupported("USB controller model '{}' not supported in this QEMU binary", ToString(controller.model));
  }
  const char* driver = UsbDriver(controller.model);
  if (!driver) throw Unsupported("Unsupported controller model '{}'", ToString(controller.model));
  Props props = Props::Device(driver);
  // xHCI has a USB 2 and a USB 3 port for each connector.
  props.Add("p2", controller.ports).Add("p3", controller.ports);
  // A companion shares the bus of its USB 2 controller, which has the name.
  if (controller.info.master_startport) {
    unsigned index = controller.index.value_or(0);
    if (ControllerAlias(ControllerType::kUsb, index, context).empty()) throw Internal("masterbus not found");
    props.Add("masterbus", index ? fmt::format("usb{}.0", index) : "usb.0").Add("firstport", *controller.info.master_startport);
  } else {
    props.Add("id", controller.info.alias);
  }
  return props;
}

const char* ScsiDriver(ControllerModel model) {
  switch (model) {
    case ControllerModel::kLsilogic:
      return "lsi";
    case ControllerModel::kLsisas1068:
      return "mptsas1068";
    case ControllerModel::kLsisas1078:
      return "megasas";
    case ControllerModel::kVmpvscsi:
      return "pvscsi";
    case ControllerModel::kIbmvscsi:
      return "spapr-vscsi";
    case ControllerModel::kDc390:
      return "dc-390";
    case ControllerModel::kAm53c974:
      return "am53c974";
    default:
      return nullptr;
  }
}

VirtioModel ScsiVirtioModel(ControllerModel model) {
  if (model == ControllerModel::kScsiTransitional) return VirtioModel::kTransitional;
  if (model == ControllerModel::kScsiNonTransitional) return VirtioModel::kNonTransitional;
  return VirtioModel::kVirtio;
}

Props ScsiController(const Controller& controller, const Context& context) {
  const char* driver = ScsiDriver(controller.model);
  if (driver) return Props::Device(driver).Add("id", controller.info.alias);
  if (controller.model != ControllerModel::kVirtioScsi && controller.model != ControllerModel::kScsiTransitional &&
      controller.model != ControllerModel::kScsiNonTransitional) {
    throw Unsupported("Unsupported controller model: {}", ToString(controller.model));
  }
  Props props = VirtioDevice("virtio-scsi", controller.info, ScsiVirtioModel(controller.model), controller.virtio, context);
  if (controller.iothread) props.Add("iothread", fmt::format("iothread{}", controller.iothread));
  props.Add("id", controller.info.alias);
  props.AddSet("num_queues", controller.queues).AddSet("cmd_per_lun", controller.cmd_per_lun);
  return props.AddSet("max_sectors", controller.max_sectors).Add("ioeventfd", controller.ioeventfd);
}

Props VirtioSerialController(const Controller& controller, const Context& context) {
  VirtioModel model = controller.model == ControllerModel::kVirtioTransitional      ? VirtioModel::kTransitional
                      : controller.model == ControllerModel::kVirtioNonTransitional ? VirtioModel::kNonTransitional
                                                                                    : VirtioModel::kVirtio;
  // On a pSeries' own bus it is a different device.
  Props props = controller.info.address.type == AddressType::kSpaprVio
                    ? Props::Device("spapr-virtio-serial")
                    : VirtioDevice("virtio-serial", controller.info, model, controller.virtio, context);
  return props.Add("id", controller.info.alias).Add("max_ports", controller.ports).Add("vectors", controller.vectors);
}

std::optional<Props> PciController(const Controller& controller, const Context& context) {
  const PciControllerOptions& options = controller.pci;
  const std::string& id = controller.info.alias;
  Props props = Props::Device(ToString(options.device));
  switch (controller.model) {
    case ControllerModel::kPciRoot:
      // Of a pSeries' host bridges only the first is the board's own.
      if (!IsPseries(context.def) || options.target_index.value_or(0) == 0) return std::nullopt;
      props.Add("index", options.target_index).Add("id", id).Add("numa_node", options.numa_node);
      return props;
    case ControllerModel::kPcieRoot:
      return std::nullopt;
    case ControllerModel::kPciBridge:
      props.Add("chassis_nr", options.chassis_nr).Add("id", id);
      break;
    case ControllerModel::kPciExpanderBus:
    case ControllerModel::kPcieExpanderBus:
      props.Add("bus_nr", options.bus_nr).Add("id", id).Add("numa_node", options.numa_node);
      break;
    case ControllerModel::kPcieRootPort:
    case ControllerModel::kPcieSwitchDownstreamPort:
      props.Add("port", options.port).Add("chassis", options.chassis).Add("id", id).Add("hotplug", options.hotplug);
      break;
    default:
      props.Add("id", id);
      break;
  }
  return props;
}

bool IsBoardsOwnIde(const Controller& controller, const DomainDef& def) {
  return controller.index.value_or(0) == 0 && HasBuiltinIde(def);
}

void AddOfType(ControllerType type, const Context& context, CommandLine* out) {
  for (auto& controller : context.def.controllers) {
    if (controller->type != type) continue;
    if (auto props = DescribeController(*controller, context)) AddDevice(*props, controller->info, context, out);
  }
}

// Boards that were given no USB controller have one of QEMU's choice.
bool WantsLegacyUsb(const DomainDef& def) {
  if (IsQ35(def) || IsArmVirt(def) || IsRiscvVirt(def)) return false;
  return std::none_of(def.controllers.begin(), def.controllers.end(), [](auto& c) { return c->type == ControllerType::kUsb; });
}

}  // namespace

std::optional<Props> DescribeController(const Controller& controller, const Context& context) {
  std::optional<Props> props;
  switch (controller.type) {
    case ControllerType::kPci:
      props = PciController(controller, context);
      break;
    case ControllerType::kScsi:
      props = ScsiController(controller, context);
      break;
    case ControllerType::kVirtioSerial:
      props = VirtioSerialController(controller, context);
      break;
    case ControllerType::kCcid:
      props = Props::Device("usb-ccid").Add("id", controller.info.alias);
      break;
    case ControllerType::kSata:
      if (controller.index.value_or(0) == 0 && IsQ35(context.def)) return std::nullopt;
      props = Props::Device("ahci").Add("id", controller.info.alias);
      break;
    case ControllerType::kUsb:
      if (controller.model == ControllerModel::kUsbNone) return std::nullopt;
      props = UsbController(controller, context);
      break;
    case ControllerType::kIde:
      if (IsBoardsOwnIde(controller, context.def)) return std::nullopt;
      // QEMU has no IDE controller to add.
      if (IsI440fx(context.def)) throw Unsupported("Only a single IDE controller is supported for this machine type");
      throw Unsupported("IDE controllers are unsupported for this QEMU binary or machine type");
    default:
      return std::nullopt;
  }
  if (props) AddAddress(&*props, controller.info, context);
  return props;
}

void AddHostBridges(const Context& context, CommandLine* out) {
  for (auto& controller : context.def.controllers) {
    if (controller->type != ControllerType::kPci) continue;
    bool pci_root = controller->model == ControllerModel::kPciRoot;
    if (!pci_root && controller->model != ControllerModel::kPcieRoot) continue;
    if (controller->pci.pcihole64) {
      const char* bridge = pci_root ? "i440FX-pcihost" : "q35-pcihost";
      out->Option("-global", fmt::format("{}.pci-hole64-size={}K", bridge, controller->pci.pcihole64_size));
    }
    if (pci_root && controller->pci.hotplug != OnOff::kAbsent) {
      out->Option("-global", fmt::format("PIIX4_PM.acpi-root-pci-hotplug={}", ToString(controller->pci.hotplug)));
    }
  }
}

void AddControllers(const Context& context, CommandLine* out) {
  // CCID comes after hubs, floppy controllers with the disks.
  constexpr ControllerType kOrder[] = {ControllerType::kPci, ControllerType::kUsb,  ControllerType::kScsi,
                                       ControllerType::kIde, ControllerType::kSata, ControllerType::kVirtioSerial};
  for (ControllerType type : kOrder) AddOfType(type, context, out);
  if (WantsLegacyUsb(context.def)) out->Option("-usb");
}

void AddCcidControllers(const Context& context, CommandLine* out) { AddOfType(ControllerType::kCcid, context, out); }

void AddHubs(const Context& context, CommandLine* out) {
  for (auto& hub : context.def.hubs) {
    Props props = Props::Device("usb-hub").Add("id", hub->info.alias);
    AddAddress(&props, hub->info, context);
    AddDevice(std::move(props), hub->info, context, out);
  }
}

}  // namespace bv::qemu
