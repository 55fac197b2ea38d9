#include "qemu/assigned_devices.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "host/pci_function.h"
#include "host/usb_devices.h"
#include "qemu/device_acl.h"
#include "qemu/pci_passthrough.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr const char* kSource = "util.hostdev";

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kNone, code, fmt::format(format, std::forward<Args>(args)...));
}

template <typename Pointer, typename Def>
std::vector<Pointer> Collect(Def& def) {
  std::vector<Pointer> found;
  for (auto& net : def.interfaces) {
    auto& connection = net->actual ? net->actual->connection : *net;
    if (connection.type == InterfaceType::kHostdev) found.push_back(&*connection.hostdev);
  }
  for (auto& hostdev : def.hostdevs) found.push_back(hostdev.get());
  return found;
}

std::string PciName(const std::string& address) { return "PCI device " + address; }

// What matches, among those that there are.
void FindUsb(HostUsb& usb, bool optional, bool* missing) {
  auto devices = host::UsbDevices(host::DeviceFiles());
  const bool by_kind = usb.vendor && usb.product, by_place = usb.bus && usb.device && !usb.autoaddress;
  std::erase_if(devices, [&](auto& d) {
    return (by_kind && (d.vendor != *usb.vendor || d.product != *usb.product)) ||
           (by_place && (d.bus != *usb.bus || d.device != *usb.device));
  });
  if (devices.empty() && optional) {
    *missing = true;
    return;
  }
  if (devices.empty() && by_kind && by_place)
    Fail(ErrorCode::kInternalError, "Did not find USB device {:04x}:{:04x} bus:{} device:{}", *usb.vendor, *usb.product, *usb.bus, *usb.device);
  if (devices.empty() && by_kind) Fail(ErrorCode::kInternalError, "Did not find USB device {:04x}:{:04x}", *usb.vendor, *usb.product);
  if (devices.empty()) Fail(ErrorCode::kInternalError, "Did not find USB device bus:{} device:{}", usb.bus.value_or(0), usb.device.value_or(0));
  if (devices.size() > 1 && by_kind)
    Fail(ErrorCode::kOperationFailed, "Multiple USB devices for {:x}:{:x}, use <address> to specify one", *usb.vendor, *usb.product);
  usb.autoaddress = !by_place;
  usb.bus = devices.front().bus;
  usb.device = devices.front().device;
  *missing = false;
}

// A device of which a group has several can only be had with the others: none of them may be another guest's.
std::vector<std::string> GroupOf(const std::string& address) {
  host::DeviceFiles files;
  std::vector<std::string> names;
  for (auto& member : files.Names("/sys/bus/pci/devices/" + address + "/iommu_group/devices")) names.push_back(PciName(member));
  return names;
}

bool IsThere(const std::string& address) { return host::DeviceFiles().Exists("/sys/bus/pci/devices/" + address); }

}  // namespace

std::vector<Hostdev*> HostdevsOf(DomainDef& def) { return Collect<Hostdev*>(def); }
std::vector<const Hostdev*> HostdevsOf(const DomainDef& def) { return Collect<const Hostdev*>(def); }

Task<> ResolveHostdev(Hostdev& hostdev) {
  if (hostdev.mode != HostdevMode::kSubsystem) co_return;
  if (hostdev.type == HostdevType::kUsb) {
    struct Found {
      HostUsb usb;
      bool missing = false;
    };
    auto find = [usb = hostdev.usb, optional = hostdev.startup_policy == StartupPolicy::kOptional]() {
      Found found{usb};
      FindUsb(found.usb, optional, &found.missing);
      return found;
    };
    auto found = co_await Offload(std::move(find));
    hostdev.usb = found.usb;
    hostdev.missing = found.missing;
  } else if (hostdev.type == HostdevType::kMdev && hostdev.mdev.uuid) {
    auto look = [uuid = hostdev.mdev.uuid->ToString()] {
      if (!host::DeviceFiles().Exists("/sys/bus/mdev/devices/" + uuid))
        Fail(ErrorCode::kDeviceMissing, "mediated device '{}' not found", uuid);
    };
    co_await Offload(std::move(look));
  }
}

std::vector<AssignedDevice> AssignedDevices(const Hostdev& hostdev) {
  if (hostdev.mode != HostdevMode::kSubsystem || hostdev.missing) return {};
  AssignedDevice device;
  device.managed = hostdev.managed == YesNo::kYes;
  switch (hostdev.type) {
    case HostdevType::kPci: {
      auto& at = hostdev.pci.address;
      device.pci = fmt::format("{:04x}:{:02x}:{:02x}.{:x}", at.domain, at.bus, at.slot, at.function);
      device.name = PciName(device.pci);
      break;
    }
    case HostdevType::kUsb:
      if (!hostdev.usb.bus || !hostdev.usb.device) return {};
      device.name = fmt::format("USB device {:03}:{:03}", *hostdev.usb.bus, *hostdev.usb.device);
      break;
    case HostdevType::kScsi: {
      auto& scsi = hostdev.scsi;
      constexpr std::string_view kPrefix = "scsi_host";
      if (scsi.protocol != ScsiProtocol::kAdapter || !scsi.adapter.starts_with(kPrefix)) return {};
      device.name = fmt::format("SCSI device {}:{}:{}:{}", scsi.adapter.substr(kPrefix.size()), scsi.bus, scsi.target, scsi.unit);
      device.shareable = hostdev.shareable;
      break;
    }
    case HostdevType::kMdev:
      if (!hostdev.mdev.uuid) return {};
      device.name = "mediated device /sys/bus/mdev/devices/" + hostdev.mdev.uuid->ToString();
      break;
    default:
      return {};
  }
  std::vector<AssignedDevice> devices;
  devices.push_back(std::move(device));
  return devices;
}

std::vector<AssignedDevice> AssignedDevices(const DomainDef& def) {
  std::vector<AssignedDevice> devices;
  for (auto* hostdev : HostdevsOf(def)) {
    for (auto& device : AssignedDevices(*hostdev)) devices.push_back(std::move(device));
  }
  return devices;
}

std::vector<OwnedFile> OwnedFiles(const Hostdev& hostdev) {
  std::vector<OwnedFile> files;
  if (hostdev.missing) return files;
  for (auto& node : NodesOf(hostdev)) {
    // The door to all groups is everybody's.
    if (node.path != "/dev/vfio/vfio") files.push_back({node.path, !hostdev.shareable && !hostdev.readonly});
  }
  return files;
}

std::vector<OwnedFile> HostdevFiles(const DomainDef& def) {
  std::vector<OwnedFile> files;
  for (auto* hostdev : HostdevsOf(def)) {
    for (auto& file : OwnedFiles(*hostdev)) {
      // Devices of a group are one file.
      if (std::ranges::find(files, file.path, &OwnedFile::path) == files.end()) files.push_back(std::move(file));
    }
  }
  return files;
}

Task<> ClaimDevices(std::vector<AssignedDevice> devices, DeviceClaims::Owner owner) {
  if (devices.empty()) co_return;
  for (std::size_t i = 1; i < devices.size(); ++i) {
    auto same = std::find_if(devices.begin(), devices.begin() + static_cast<std::ptrdiff_t>(i), [&](auto& d) { return d.name == devices[i].name; });
    if (same == devices.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    Fail(ErrorCode::kInternalError, "Device {} is already in use", same->name.substr(same->name.rfind(' ') + 1));
  }
  auto look = [&devices] {
    for (auto& device : devices) {
      if (!device.pci.empty()) device.group = GroupOf(device.pci);
    }
  };
  co_await Offload(look);
  DeviceClaims::Get().Claim(devices, owner);
}

Task<> DetachFromHost(std::vector<AssignedDevice> devices) {
  std::erase_if(devices, [](auto& device) { return device.pci.empty(); });
  if (devices.empty()) co_return;
  co_await LoadVfio();
  auto detach = [devices = std::move(devices)] {
    host::DeviceFiles files;
    for (auto& device : devices) {
      if (!device.managed && IsThere(device.pci) && host::PciFunction(files, device.pci).driver() != host::kVfioPci)
        Fail(ErrorCode::kOperationInvalid, "Unmanaged PCI device {} must be manually detached from the host", device.pci);
    }
    std::vector<AssignedDevice> detached;
    try {
      for (auto& device : devices) {
        // QEMU says in its own words that one is not there.
        if (!device.managed || !IsThere(device.pci)) continue;
        host::PciFunction(files, device.pci).BindTo(host::kVfioPci);
        detached.push_back(device);
      }
    } catch (const Error&) {
      ReattachToHost(detached);
      throw;
    }
  };
  co_await Offload(std::move(detach));
}

void ReattachToHost(const std::vector<AssignedDevice>& devices) {
  host::DeviceFiles files;
  for (auto& device : devices) {
    if (!device.managed || device.pci.empty() || !IsThere(device.pci)) continue;
    try {
      host::PciFunction function(files, device.pci);
      // One that was not taken has its driver.
      if (function.driver() == host::kVfioPci) function.BindToHost();
    } catch (const Error& error) {
      LogError(kSource, "{} is not given back: {}", device.name, error.message);
    }
  }
}

}  // namespace bv::qemu
