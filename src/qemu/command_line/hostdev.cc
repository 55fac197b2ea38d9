#include "qemu/command_line/hostdev.h"

#include <cstdlib>

#include "qemu/command_line/device.h"
#include "qemu/command_line/storage.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr auto kTransientTeaming = static_cast<std::uint8_t>(TeamingType::kTransient);

Props DescribeUsb(const Hostdev& hostdev, const DeviceInfo& info, const Context& context) {
  const HostUsb& usb = hostdev.usb;
  if (!hostdev.missing && (!usb.bus || !usb.device || (*usb.bus == 0 && *usb.device == 0))) {
    throw Internal("USB host device is missing bus/device information");
  }
  Props props = Props::Device("usb-host");
  if (!hostdev.missing) {
    if (context.Has(QemuCap::kUsbHostHostdevice)) {
      props.Add("hostdevice", fmt::format("/dev/bus/usb/{:03}/{:03}", *usb.bus, *usb.device));
    } else {
      props.Add("hostbus", *usb.bus).Add("hostaddr", *usb.device);
    }
  }
  props.Add("id", info.alias);
  switch (usb.guest_reset) {
    case UsbGuestReset::kOff:
      props.Add("guest-reset", false);
      break;
    case UsbGuestReset::kOn:
      props.Add("guest-reset", true).Add("guest-resets-all", true);
      break;
    case UsbGuestReset::kUninitialized:
      props.Add("guest-reset", true).Add("guest-resets-all", false);
      break;
    default:
      break;
  }
  AddBootIndex(&props, info, context);
  AddAddress(&props, info, context);
  return props;
}

Props DescribePci(const Hostdev& hostdev, const DeviceInfo& info, const Context& context) {
  if (hostdev.pci.backend != PciBackend::kVfio) {
    throw Internal("invalid PCI passthrough type '{}'", ToString(hostdev.pci.backend));
  }
  auto& host = hostdev.pci.address;
  Props props = Props::Device("vfio-pci");
  props.Add("host", fmt::format("{:04x}:{:02x}:{:02x}.{:x}", host.domain, host.bus, host.slot, host.function));
  props.Add("id", info.alias);
  AddBootIndex(&props, info, context);
  if (hostdev.teaming == kTransientTeaming) props.AddSet("failover_pair_id", hostdev.teaming_persistent);
  AddAddress(&props, info, context);
  AddRom(&props, info);
  return props;
}

Props DescribeMdev(const Hostdev& hostdev, const DeviceInfo& info, const Context& context) {
  const HostMdev& mdev = hostdev.mdev;
  // A frame buffer for the firmware cannot be unplugged.
  Props props = Props::Device(mdev.ramfb == OnOff::kOn ? std::string("vfio-pci-nohotplug") : std::string(ToString(mdev.model)));
  props.Add("id", info.alias);
  props.Add("sysfsdev", "/sys/bus/mdev/devices/" + (mdev.uuid ? mdev.uuid->ToString() : ""));
  props.AddOnOff("display", mdev.display);
  if (mdev.ramfb == OnOff::kOn) props.Add("ramfb", true);
  AddBootIndex(&props, info, context);
  AddAddress(&props, info, context);
  return props;
}

Props DescribeScsiHost(const Hostdev& hostdev, const DeviceInfo& info, const Context& context) {
  if (context.options.standalone && !context.host.FileExists("/dev/vhost-scsi")) {
    throw Error(ErrorDomain::kNone, ErrorCode::kConfigUnsupported, "vhost-scsi device file '/dev/vhost-scsi' cannot be found");
  }
  auto fds = context.options.fds.find(info.alias);
  Props props = VirtioDevice("vhost-scsi", info, hostdev.scsi_host.model, {}, context);
  props.Add("wwpn", hostdev.scsi_host.wwpn);
  props.Add("vhostfd", std::to_string(fds == context.options.fds.end() ? -1 : fds->second.vhost_device));
  props.Add("id", info.alias);
  AddAddress(&props, info, context);
  return props;
}

std::string ScsiNode(const Hostdev& hostdev) { return fmt::format("libvirt-{}-backend", hostdev.scsi.iscsi->id); }

Props DescribeScsiNode(const Hostdev& hostdev, const Context& context) {
  const HostScsi& scsi = hostdev.scsi;
  Props node;
  if (scsi.protocol == ScsiProtocol::kIscsi) {
    node = DescribeStorage(*scsi.iscsi, NamesOf(*scsi.iscsi), {}, context);
  } else {
    constexpr std::string_view kPrefix = "scsi_host";
    unsigned host = scsi.adapter.starts_with(kPrefix)
                        ? static_cast<unsigned>(std::strtoul(scsi.adapter.c_str() + kPrefix.size(), nullptr, 10))
                        : 0;
    node = Props::Device("host_device").Add("filename", "/dev/" + context.host.ScsiGenericName(host, scsi.bus, scsi.target, scsi.unit));
  }
  return node.Add("node-name", ScsiNode(hostdev)).Add("read-only", hostdev.readonly);
}

Props DescribeScsi(const Hostdev& hostdev, const DeviceInfo& info, const Context& context) {
  auto& drive = info.address.drive;
  Props props = Props::Device("scsi-generic");
  props.Add("drive", ScsiNode(hostdev)).Add("id", info.alias);
  AddBootIndex(&props, info, context);
  std::string alias = ControllerAlias(ControllerType::kScsi, drive.controller, context);
  props.Add("bus", alias + ".0");
  AddScsiPlace(&props, drive, context);
  return props;
}

}  // namespace

HostdevParts DescribeHostdev(const Hostdev& hostdev, const DeviceInfo& info, const Context& context) {
  HostdevParts parts;
  if (hostdev.mode != HostdevMode::kSubsystem) {
    throw Unsupported("hostdev mode '{}' not supported", ToString(hostdev.mode));
  }
  switch (hostdev.type) {
    case HostdevType::kUsb:
      parts.device = DescribeUsb(hostdev, info, context);
      break;
    case HostdevType::kPci:
      if (info.address.type != AddressType::kUnassigned) parts.device = DescribePci(hostdev, info, context);
      break;
    case HostdevType::kMdev:
      parts.device = DescribeMdev(hostdev, info, context);
      break;
    case HostdevType::kScsiHost:
      parts.device = DescribeScsiHost(hostdev, info, context);
      break;
    case HostdevType::kScsi:
      if (hostdev.scsi.protocol == ScsiProtocol::kIscsi) {
        parts.objects = DescribeStorageObjects(*hostdev.scsi.iscsi, NamesOf(*hostdev.scsi.iscsi), context);
      }
      parts.nodes.push_back(DescribeScsiNode(hostdev, context));
      parts.device = DescribeScsi(hostdev, info, context);
      break;
    default:
      throw Unsupported("hostdev subsys type '{}' not supported", ToString(hostdev.type));
  }
  return parts;
}

void AddHostdev(const Hostdev& hostdev, const DeviceInfo& info, const Context& context, CommandLine* out) {
  HostdevParts parts = DescribeHostdev(hostdev, info, context);
  auto fds = context.options.fds.find(info.alias);
  if (fds != context.options.fds.end() && fds->second.vhost_device >= 0) out->Inherit(fds->second.vhost_device);
  for (auto& object : parts.objects) out->Object(object);
  for (auto& node : parts.nodes) out->Blockdev(node);
  if (parts.device) AddDevice(std::move(*parts.device), info, context, out);
}

void AddHostdevs(const Context& context, CommandLine* out) {
  for (auto& net : context.def.interfaces) {
    const Interface& actual = net->actual ? net->actual->connection : *net;
    if (actual.type == InterfaceType::kHostdev) AddHostdev(*actual.hostdev, net->info, context, out);
  }
  for (auto& hostdev : context.def.hostdevs) AddHostdev(*hostdev, hostdev->info, context, out);
}

}  // namespace bv::qemu
