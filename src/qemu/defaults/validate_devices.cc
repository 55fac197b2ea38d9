#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "base/files.h"
#include "qemu/defaults/controllers.h"
#include "qemu/defaults/validate.h"
#include "qemu/machine_kind.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

void GraphicsRules(const DomainDef& def) {
  for (auto& graphics : def.graphics) {
    if (graphics->type == GraphicsType::kRdp || graphics->type == GraphicsType::kDesktop) {
      Unsupported(fmt::format("{} graphics are not supported with this QEMU", ToString(graphics->type)));
    }
  }
  bool egl = std::ranges::any_of(def.graphics, [](auto& g) { return g->type == GraphicsType::kEglHeadless; });
  bool other = std::ranges::any_of(def.graphics, [](auto& g) {
    return g->type != GraphicsType::kEglHeadless && g->type != GraphicsType::kVnc && g->type != GraphicsType::kSpice;
  });
  if (egl && other) {
    Unsupported("graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types");
  }
}

void NetRules(const Interface& net) {
  auto power = [](unsigned size, const char* name) {
    if (size != 0 && !std::has_single_bit(size)) Unsupported(fmt::format("{} has to be a power of two", name));
  };
  power(net.driver.rx_queue_size, "rx_queue_size");
  power(net.driver.tx_queue_size, "tx_queue_size");
}

void IommuRules(const DomainDef& def, const QemuCaps& caps) {
  if (!def.iommu) return;
  const Iommu& iommu = *def.iommu;
  std::string name(ToString(iommu.model));
  if (iommu.model != IommuModel::kIntel) {
    bool options = iommu.intremap != OnOff::kAbsent || iommu.caching_mode != OnOff::kAbsent || iommu.eim != OnOff::kAbsent ||
                   iommu.iotlb != OnOff::kAbsent || iommu.aw_bits;
    if (options) BadXml(fmt::format("iommu model '{}' doesn't support additional attributes", name));
  }
  if (iommu.model != IommuModel::kVirtio && iommu.info.address.type != AddressType::kNone) {
    BadXml(fmt::format("iommu model '{}' can't have address", name));
  }
  switch (iommu.model) {
    case IommuModel::kIntel:
      if (!IsQ35(def)) Unsupported(fmt::format("IOMMU device: '{}' is only supported with Q35 machines", name));
      break;
    case IommuModel::kSmmuv3:
      if (!IsArmVirt(def)) Unsupported(fmt::format("IOMMU device: '{}' is only supported with ARM Virt machines", name));
      break;
    case IommuModel::kVirtio:
      if (!IsArmVirt(def) && !IsQ35(def)) {
        Unsupported(fmt::format("IOMMU device: '{}' is only supported with Q35 and ARM Virt machines", name));
      }
      if (!caps.HasDevice("virtio-iommu-pci")) {
        Unsupported(fmt::format("IOMMU device: '{}' is not supported with this QEMU binary", name));
      }
      if (iommu.info.address.type != AddressType::kPci) Unsupported(fmt::format("IOMMU device: '{}' needs a PCI address", name));
      if (!def.features.acpi) Unsupported(fmt::format("IOMMU device: '{}' requires ACPI", name));
      break;
  }
}

void TpmRules(const DomainDef& def) {
  for (auto& tpm : def.tpms) {
    if (tpm->active_pcr_banks && tpm->version != TpmVersion::k20) BadXml("<active_pcr_banks/> requires TPM version '2.0'");
    if (tpm->backend == TpmBackend::kExternal && !FindProgram("swtpm")) {
      Unsupported(fmt::format("The QEMU executable {} does not support TPM backend type {}", def.emulator,
                              ToString(tpm->backend)));
    }
    if (tpm->model == TpmModel::kSpapr || tpm->model == TpmModel::kSpaprProxy) {
      if (!IsPpc64(def)) {
        Unsupported(fmt::format("The QEMU executable {} does not support TPM model {}", def.emulator, ToString(tpm->model)));
      }
    }
    if (tpm->backend == TpmBackend::kEmulator && !FindProgram("swtpm_setup")) {
      Unsupported(fmt::format("TPM version '{}' is not supported", ToString(tpm->version)));
    }
  }
}

void MdevRules(const DomainDef& def, const Hostdev& hostdev, const QemuCaps& caps) {
  const HostMdev& mdev = hostdev.mdev;
  if (mdev.model == MdevModel::kVfioCcw && !caps.HasDevice("vfio-ccw")) {
    Unsupported("VFIO CCW device assignment is not supported by this version of QEMU");
  }
  if (mdev.model == MdevModel::kVfioAp && !caps.HasDevice("vfio-ap")) {
    Unsupported("VFIO AP device assignment is not supported by this version of QEMU");
  }
  if (mdev.model == MdevModel::kVfioPci && hostdev.info.boot_order != 0) {
    Unsupported(fmt::format("booting from assigned devices is not supported by mediated devices of model {}", ToString(mdev.model)));
  }
  if (mdev.display == OnOff::kOn && def.graphics.empty()) {
    Unsupported("graphics device is needed for attribute value 'display=on' in <hostdev>");
  }
}

void SerialRules(const DomainDef& def) {
  for (auto& serial : def.serials) {
    bool arm = serial->serial_target == SerialTarget::kSystem;
    bool spapr = serial->serial_target == SerialTarget::kSpaprVio, sclp = serial->serial_target == SerialTarget::kSclp;
    if ((arm && !IsArmVirt(def) && !IsRiscvVirt(def)) || (spapr && !IsPseries(def)) || (sclp && !IsS390(def))) {
      Unsupported(fmt::format("Serial device with target type '{}' and target model '{}' not compatible with guest "
                              "architecture or machine type",
                              ToString(serial->serial_target), ToString(serial->serial_model)));
    }
  }
}

}  // namespace

namespace {

void ScsiModel(const Controller& controller, const QemuCaps&) {
  switch (controller.model) {
    case ControllerModel::kBuslogic: Unsupported("Unsupported controller model: buslogic");
    case ControllerModel::kNcr53c90: Unsupported("ncr53c90 SCSI controller is not a built-in for this machine");
    default: break;
  }
}

// QEMU's name of a bridge has to be one of its kind.
void PciModelName(const Controller& controller) {
  using D = PciControllerDevice;
  std::array<D, 2> names{};
  switch (controller.model) {
    case ControllerModel::kPciBridge: names.fill(D::kPciBridge); break;
    case ControllerModel::kDmiToPciBridge: names.fill(D::kI82801b11Bridge); break;
    case ControllerModel::kPcieToPciBridge: names.fill(D::kPciePciBridge); break;
    case ControllerModel::kPcieRootPort: names = {D::kIoh3420, D::kPcieRootPort}; break;
    case ControllerModel::kPcieSwitchUpstreamPort: names.fill(D::kX3130Upstream); break;
    case ControllerModel::kPcieSwitchDownstreamPort: names.fill(D::kXio3130Downstream); break;
    case ControllerModel::kPciExpanderBus: names.fill(D::kPxb); break;
    case ControllerModel::kPcieExpanderBus: names.fill(D::kPxbPcie); break;
    default: return;
  }
  if (std::ranges::find(names, controller.pci.device) != names.end()) return;
  Unsupported(fmt::format("Option 'modelName' has invalid value for PCI controller with index '{}', model '{}' and modelName '{}'",
                          controller.index.value_or(0), ToString(controller.model), ToString(controller.pci.device)));
}

// No two USB controllers share an index, but for the companions of one.
void UsbMasters(const DomainDef& def) {
  for (auto& controller : def.controllers) {
    if (controller->type != ControllerType::kUsb) continue;
    auto masters = std::ranges::count_if(def.controllers, [&](auto& other) {
      bool companion = IsIch9Usb2(*other) && other->model != ControllerModel::kIch9Ehci1 && other->info.master_startport;
      return other->type == ControllerType::kUsb && other->index == controller->index && !companion;
    });
    if (masters > 1) BadXml(fmt::format("Duplicate USB controllers with index {}", controller->index.value_or(0)));
  }
}

}  // namespace

void Controllers(const DomainDef& def, const QemuCaps& caps) {
  UsbMasters(def);
  constexpr unsigned kMaxXhciPorts = 15;
  for (auto& controller : def.controllers) {
    bool root = controller->model == ControllerModel::kPciRoot || controller->model == ControllerModel::kPcieRoot;
    if (root && controller->index.value_or(0) == 0 && controller->info.address.type != AddressType::kNone) {
      Nonsense("pci-root and pcie-root controllers should not have an address");
    }
    bool xhci = controller->model == ControllerModel::kQemuXhci || controller->model == ControllerModel::kNecXhci;
    const bool virtio_scsi = controller->model == ControllerModel::kVirtioScsi ||
                             controller->model == ControllerModel::kScsiTransitional ||
                             controller->model == ControllerModel::kScsiNonTransitional;
    if (controller->type != ControllerType::kScsi || !virtio_scsi) {
      auto refuse = [](const char* name) { Unsupported(fmt::format("'{}' is only supported by virtio-scsi controller", name)); };
      if (controller->queues) refuse("queues");
      if (controller->cmd_per_lun) refuse("cmd_per_lun");
      if (controller->max_sectors) refuse("max_sectors");
      if (controller->ioeventfd != OnOff::kAbsent) refuse("ioeventfd");
      if (controller->iothread) refuse("iothread");
    }
    if (controller->iothread &&
        std::ranges::find(def.iothreads.ids, controller->iothread, &IoThreadId::id) == def.iothreads.ids.end()) {
      Unsupported(fmt::format("controller iothread '{}' not defined in iothreadid", controller->iothread));
    }
    if (controller->type == ControllerType::kScsi) ScsiModel(*controller, caps);
    if (controller->type == ControllerType::kIde) {
      if (!HasBuiltinIde(def)) Unsupported("IDE controllers are unsupported for this QEMU binary or machine type");
      if (controller->index != 0u) Unsupported("Only a single IDE controller is supported for this machine type");
    }
    if (controller->type == ControllerType::kPci) PciModelName(*controller);
    if (controller->type == ControllerType::kUsb && xhci && controller->ports.value_or(0) > kMaxXhciPorts) {
      Unsupported(fmt::format("'{}' controller only supports up to '{}' ports", ToString(controller->model), kMaxXhciPorts));
    }
  }
}

void Displays(const DomainDef& def) { GraphicsRules(def); }

void Hostdevs(const DomainDef& def, const QemuCaps& caps) {
  for (auto& hostdev : def.hostdevs) {
    if (hostdev->mode == HostdevMode::kCapabilities) {
      Unsupported(fmt::format("hostdev mode 'capabilities' is not supported in {}", ToString(def.virt_type)));
    }
    if (hostdev->write_filtering != YesNo::kAbsent) {
      Unsupported("Write filtering of PCI device configuration space is not supported by qemu");
    }
    const ZpciAddress& zpci = hostdev->info.address.pci.zpci;
    if ((zpci.uid || zpci.fid) && !IsS390(def)) Unsupported("This QEMU binary doesn't support zPCI");
    if (hostdev->mode == HostdevMode::kSubsystem && hostdev->type == HostdevType::kScsiHost && hostdev->info.boot_order != 0) {
      Unsupported("booting from assigned devices is not supported by vhost SCSI devices");
    }
    if (hostdev->mode == HostdevMode::kSubsystem && hostdev->type == HostdevType::kMdev) MdevRules(def, *hostdev, caps);
  }
}

void OtherDevices(const DomainDef& def, const QemuCaps& caps) {
  for (auto& net : def.interfaces) NetRules(*net);
  for (auto& sound : def.sounds) {
    if (sound->model == SoundModel::kIch7) {
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "sound card model 'ich7' is not supported by qemu");
    }
  }
  IommuRules(def, caps);
  TpmRules(def);
  auto proxy = [](auto& tpm) { return tpm->model == TpmModel::kSpaprProxy; };
  if (def.tpms.size() - std::ranges::count_if(def.tpms, proxy) > 1) Unsupported("only a single TPM non-proxy device is supported");
  SerialRules(def);
  if (def.watchdogs.size() > 1) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "only a single watchdog device is supported");
  }
  for (auto& shmem : def.shmems) {
    if (shmem->model == ShmemModel::kIvshmem && !caps.HasDevice("ivshmem")) {
      Unsupported("ivshmem device is not supported with this QEMU binary");
    }
  }
  for (auto& input : def.inputs) {
    if (input->model == VirtioModel::kTransitional || input->model == VirtioModel::kNonTransitional) {
      Unsupported(fmt::format("virtio (non-)transitional models are not supported for input type={}", ToString(input->type)));
    }
  }
  if (def.memballoon && def.memballoon->model == MemballoonModel::kXen) {
    Unsupported("Memory balloon device type 'xen' is not supported by this version of qemu");
  }
  for (auto& fs : def.filesystems) {
    if (fs->driver == FsDriver::kVirtiofs && fs->readonly) Unsupported("virtiofs does not yet support read-only mode");
  }
}

}  // namespace bv::qemu::validate
