#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "qemu/defaults/validate.h"
#include "qemu/machine_kind.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

bool SameSource(const Hostdev& a, const Hostdev& b) {
  if (a.mode != b.mode || a.type != b.type) return false;
  if (a.mode == HostdevMode::kCapabilities) return a.caps_path == b.caps_path;
  switch (a.type) {
    case HostdevType::kPci: return a.pci.address.SamePlace(b.pci.address);
    case HostdevType::kUsb:
      if (a.usb.bus && b.usb.bus) return a.usb.bus == b.usb.bus && a.usb.device == b.usb.device;
      if (a.usb.bus || b.usb.bus) return false;
      return a.usb.vendor == b.usb.vendor && a.usb.product == b.usb.product;
    case HostdevType::kScsi:
      if (a.scsi.protocol != b.scsi.protocol) return false;
      if (a.scsi.protocol == ScsiProtocol::kIscsi) {
        return a.scsi.iscsi.path == b.scsi.iscsi.path && !a.scsi.iscsi.hosts.empty() && !b.scsi.iscsi.hosts.empty() &&
               a.scsi.iscsi.hosts[0].name == b.scsi.iscsi.hosts[0].name;
      }
      return a.scsi.adapter == b.scsi.adapter && a.scsi.bus == b.scsi.bus && a.scsi.target == b.scsi.target &&
             a.scsi.unit == b.scsi.unit;
    case HostdevType::kScsiHost: return a.scsi_host.wwpn == b.scsi_host.wwpn;
    case HostdevType::kMdev: return a.mdev.uuid == b.mdev.uuid;
    default: return false;
  }
}

void VideoRules(const DomainDef& def) {
  unsigned primary = 0;
  for (auto& video : def.videos) {
    primary += video->primary;
    if (video->type == VideoType::kNone && def.videos.size() > 1) {
      Nonsense("a 'none' video type must be the only video device defined for the domain");
    }
    if (video->type == VideoType::kRamfb && video->info.address.type != AddressType::kNone) {
      Nonsense("address not supported for video type ramfb");
    }
  }
  if (primary > 1) Nonsense("Only one primary video device is supported");
}

void GraphicsRules(const DomainDef& def) {
  bool egl = false, with = false;
  for (auto& graphics : def.graphics) {
    egl |= graphics->type == GraphicsType::kEglHeadless;
    with |= graphics->type == GraphicsType::kVnc || graphics->type == GraphicsType::kSpice;
  }
  bool other = std::ranges::any_of(def.graphics, [](auto& g) {
    return g->type != GraphicsType::kEglHeadless && g->type != GraphicsType::kVnc && g->type != GraphicsType::kSpice;
  });
  if (egl && (other || (!with && def.graphics.size() > 1))) {
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

void TpmRules(const DomainDef& def, const QemuCaps& caps) {
  for (auto& tpm : def.tpms) {
    if (tpm->backend == TpmBackend::kExternal || tpm->backend == TpmBackend::kEmulator) {
      if (tpm->backend == TpmBackend::kExternal && !caps.Has(QemuCap::kTpmEmulator)) {
        Unsupported(fmt::format("The QEMU executable {} does not support TPM backend type {}", def.emulator,
                                ToString(tpm->backend)));
      }
    }
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

void Controllers(const DomainDef& def) {
  constexpr unsigned kMaxXhciPorts = 15;
  for (auto& controller : def.controllers) {
    bool xhci = controller->model == ControllerModel::kQemuXhci || controller->model == ControllerModel::kNecXhci;
    if (controller->type == ControllerType::kUsb && xhci && controller->ports.value_or(0) > kMaxXhciPorts) {
      Unsupported(fmt::format("'{}' controller only supports up to '{}' ports", ToString(controller->model), kMaxXhciPorts));
    }
  }
}

void Displays(const DomainDef& def) {
  VideoRules(def);
  GraphicsRules(def);
}

void Hostdevs(const DomainDef& def) {
  unsigned ramfb = 0;
  for (std::size_t i = 0; i < def.hostdevs.size(); ++i) {
    const Hostdev& hostdev = *def.hostdevs[i];
    for (std::size_t j = i + 1; j < def.hostdevs.size(); ++j) {
      if (SameSource(hostdev, *def.hostdevs[j])) BadXml("Hostdev already exists in the domain configuration");
    }
    if (hostdev.mode != HostdevMode::kSubsystem) continue;
    ramfb += hostdev.type == HostdevType::kMdev && hostdev.mdev.ramfb == OnOff::kOn;
    if (hostdev.type == HostdevType::kScsiHost && hostdev.info.boot_order != 0) {
      Unsupported("booting from assigned devices is not supported by vhost SCSI devices");
    }
    if (hostdev.type == HostdevType::kMdev && hostdev.mdev.model == MdevModel::kVfioPci &&
        hostdev.info.address.type != AddressType::kPci) {
      BadXml(fmt::format("Unsupported address type '{}' with mediated device model '{}'",
                         ToString(hostdev.info.address.type), ToString(hostdev.mdev.model)));
    }
  }
  if (ramfb > 1) Nonsense("Only one vgpu device can have 'ramfb' enabled");
}

void OtherDevices(const DomainDef& def, const QemuCaps& caps) {
  for (auto& net : def.interfaces) NetRules(*net);
  IommuRules(def, caps);
  TpmRules(def, caps);
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
    bool typed = input->model == VirtioModel::kTransitional || input->model == VirtioModel::kNonTransitional;
    if (typed && input->type != InputType::kPassthrough) {
      Unsupported(fmt::format("virtio (non-)transitional models are not supported for input type={}", ToString(input->type)));
    }
  }
  for (auto& fs : def.filesystems) {
    if (fs->driver == FsDriver::kVirtiofs && fs->readonly) Unsupported("virtiofs does not yet support read-only mode");
  }
}

}  // namespace bv::qemu::validate
