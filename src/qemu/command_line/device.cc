#include "qemu/command_line/device.h"

#include <algorithm>
#include <cstdlib>

#include "qemu/command_line/boot_index.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

void AddPciAddress(Props* props, const DeviceInfo& info, const Context& context) {
  const PciAddress& pci = info.address.pci;
  std::string bus = ControllerAlias(ControllerType::kPci, pci.bus, context);
  if (bus.empty()) throw Internal("Could not find PCI controller with index '{}' required for device at address '{:04x}:{:02x}:{:02x}.{:x}'",
                                  pci.bus, pci.domain, pci.bus, pci.slot, pci.function);
  for (auto& controller : context.def.controllers) {
    // A host bridge of pSeries is a device with one bus, unlike those of other boards.
    if (controller->type == ControllerType::kPci && controller->index == pci.bus &&
        controller->model == ControllerModel::kPciRoot && controller->pci.target_index.value_or(0) > 0) {
      bus += ".0";
    }
  }
  props->Add("bus", bus).Add("multifunction", pci.multifunction);
  props->Add("addr", pci.function ? fmt::format("{:#x}.{:#x}", pci.slot, pci.function) : fmt::format("{:#x}", pci.slot));
  if (info.acpi_index) props->Add("acpi-index", info.acpi_index);
}

std::string UsbPort(const UsbAddress& usb) {
  std::string path;
  for (unsigned port : usb.port) {
    if (port == 0) break;
    if (!path.empty()) path += '.';
    path += std::to_string(port);
  }
  return path;
}

void AddUsbAddress(Props* props, const UsbAddress& usb, const Context& context) {
  std::string alias = ControllerAlias(ControllerType::kUsb, usb.bus, context);
  if (alias.empty()) throw Internal("Device alias was not set for USB controller with index {}", usb.bus);
  props->Add("bus", alias + ".0");
  if (usb.HasPort()) props->Add("port", UsbPort(usb));
}

// The device's name on its bus, and what makes it (non-)transitional where the name cannot.
std::string VirtioSuffix(const char* base, AddressType address, VirtioModel model, const Context& context) {
  switch (address) {
    case AddressType::kPci:
      if (context.Has(QemuCap::kVirtioPciNonTransitional)) {
        if (model == VirtioModel::kTransitional) return "-pci-transitional";
        if (model == VirtioModel::kNonTransitional) return "-pci-non-transitional";
      }
      return "-pci";
    case AddressType::kCcw:
      return "-ccw";
    case AddressType::kVirtioMmio:
      return "-device";
    case AddressType::kVirtioS390:
      return "-s390";
    default:
      throw Internal("Unexpected address type for '{}'", base);
  }
}

}  // namespace

std::string ControllerAlias(ControllerType type, unsigned index, const Context& context) {
  for (auto& controller : context.def.controllers) {
    // Companions of a USB 2 controller share its index but have no bus of their own.
    if (controller->type == type && controller->index == index && !controller->info.master_startport) return controller->info.alias;
  }
  return {};
}

void AddAddress(Props* props, const DeviceInfo& info, const Context& context) {
  const Address& address = info.address;
  switch (address.type) {
    case AddressType::kPci:
      AddPciAddress(props, info, context);
      break;
    case AddressType::kUsb:
      AddUsbAddress(props, address.usb, context);
      break;
    case AddressType::kSpaprVio:
      props->Add("reg", address.spapr_reg);
      break;
    case AddressType::kCcw:
      if (address.ccw.assigned) {
        props->Add("devno", fmt::format("{:x}.{:x}.{:04x}", address.ccw.cssid, address.ccw.ssid, address.ccw.devno));
      }
      break;
    case AddressType::kIsa:
      props->AddSet("iobase", address.isa.iobase).AddSet("irq", address.isa.irq);
      break;
    case AddressType::kDimm:
      props->Add("slot", address.dimm.slot).AddSet("addr", address.dimm.base);
      break;
    default:
      break;
  }
}

void AddScsiPlace(Props* props, const DriveAddress& drive, const Context& context) {
  auto narrow = [](ControllerModel model) {
    return model == ControllerModel::kLsilogic || model == ControllerModel::kNcr53c90 || model == ControllerModel::kDc390 ||
           model == ControllerModel::kAm53c974;
  };
  for (auto& controller : context.def.controllers) {
    if (controller->type == ControllerType::kScsi && controller->index == drive.controller && narrow(controller->model)) {
      props->Add("scsi-id", drive.unit);
      return;
    }
  }
  props->Add("channel", drive.bus).Add("scsi-id", drive.target).Add("lun", drive.unit);
}

void AddBootIndex(Props* props, const DeviceInfo& info, const Context& context) {
  props->AddSet("bootindex", EffectiveBootIndex(context.def, info));
}

void AddRom(Props* props, const DeviceInfo& info) {
  const DeviceRom& rom = info.rom;
  if (rom.enabled == YesNo::kAbsent && rom.bar == OnOff::kAbsent && !rom.file) return;
  // An empty file name is how QEMU is told to load none.
  if (rom.enabled == YesNo::kNo) {
    props->Add("romfile", "");
    return;
  }
  if (rom.bar != OnOff::kAbsent) props->Add("rombar", rom.bar == OnOff::kOn ? 1 : 0);
  props->Add("romfile", rom.file);
}

Props VirtioDevice(const char* base, const DeviceInfo& info, VirtioModel model, const VirtioOptions& options, const Context& context) {
  Props props = Props::Device(base + VirtioSuffix(base, info.address.type, model, context));
  if (info.address.type == AddressType::kPci && !context.Has(QemuCap::kVirtioPciNonTransitional)) {
    if (model == VirtioModel::kTransitional || model == VirtioModel::kNonTransitional) {
      props.AddOnOff("disable-legacy", model == VirtioModel::kNonTransitional).AddOnOff("disable-modern", false);
    }
  }
  props.Add("iommu_platform", options.iommu).Add("ats", options.ats).Add("packed", options.packed);
  props.Add("page-per-vq", options.page_per_vq);
  return props;
}

void ApplyOverrides(Props* props, const DeviceInfo& info, const Context& context) {
  for (auto& device : context.def.qemu.overrides) {
    if (device.alias != info.alias) continue;
    for (auto& property : device.frontend) {
      const char* name = property.name.c_str();
      switch (property.type) {
        case OverrideType::kString:
          props->Add(name, property.value);
          break;
        case OverrideType::kSigned:
          props->Add(name, static_cast<std::int64_t>(std::strtoll(property.value.c_str(), nullptr, 10)));
          break;
        case OverrideType::kUnsigned:
          props->Add(name, static_cast<std::uint64_t>(std::strtoull(property.value.c_str(), nullptr, 10)));
          break;
        case OverrideType::kBool:
          props->Add(name, property.value == "true");
          break;
        case OverrideType::kRemove:
          props->Remove(name);
          break;
        case OverrideType::kNone:
          break;
      }
    }
  }
}

void AddDevice(Props props, const DeviceInfo& info, const Context& context, CommandLine* out) {
  ApplyOverrides(&props, info, context);
  out->Device(props);
}

}  // namespace bv::qemu
