#include "qemu/defaults/usb_addresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "qemu/defaults/controllers.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr unsigned kHubPorts = 8;
constexpr unsigned kMaxDepth = 4;

unsigned PortsOf(const Controller& controller) {
  switch (controller.model) {
    case ControllerModel::kPiix3Uhci:
    case ControllerModel::kPiix4Uhci:
    case ControllerModel::kIch9Uhci1:
    case ControllerModel::kIch9Uhci2:
    case ControllerModel::kIch9Uhci3:
    case ControllerModel::kVt82c686bUhci: return 2;
    case ControllerModel::kEhci:
    case ControllerModel::kIch9Ehci1: return 6;
    case ControllerModel::kPciOhci: return 3;
    case ControllerModel::kNecXhci:
    case ControllerModel::kQemuXhci: return controller.ports.value_or(4);
    default: return 0;
  }
}

// A USB 2 companion works on ports of its master, whether it says so or merely shares its index.
bool HasOwnPorts(const DomainDef& def, const Controller& controller) {
  if (controller.type != ControllerType::kUsb || controller.info.master_startport) return false;
  if (!IsIch9Usb2(controller) || controller.model == ControllerModel::kIch9Ehci1) return true;
  return std::ranges::none_of(def.controllers, [&](auto& other) {
    return IsIch9Usb2(*other) && other->model == ControllerModel::kIch9Ehci1 && other->index == controller.index;
  });
}

// A root or other hub: which ports are taken, and what hubs hang on them.
struct HubNode {
  explicit HubNode(unsigned ports) : taken(ports), children(ports) {}
  std::vector<bool> taken;
  std::vector<std::unique_ptr<HubNode>> children;

  std::optional<unsigned> FreePort() const {
    for (unsigned i = 0; i < taken.size(); ++i) {
      if (!taken[i]) return i;
    }
    return std::nullopt;
  }
};

std::string FormatPort(const UsbAddress& address) {
  std::string text;
  for (unsigned part : address.port) {
    if (part == 0) break;
    text += (text.empty() ? "" : ".") + std::to_string(part);
  }
  return text;
}

[[noreturn]] void ThrowXml(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, std::move(text)); }

class UsbBuses {
 public:
  static constexpr unsigned kMost = 65535;  // buses are kept by number

  explicit UsbBuses(const DomainDef& def) {
    for (auto& controller : def.controllers) {
      if (!HasOwnPorts(def, *controller)) continue;
      unsigned ports = PortsOf(*controller);
      if (ports == 0) continue;
      if (*controller->index > kMost) ThrowXml(fmt::format("USB controller index {} too high, maximum is {}", *controller->index, kMost));
      if (*controller->index >= buses_.size()) buses_.resize(*controller->index + 1);
      auto& bus = buses_[*controller->index];
      if (bus) {
        throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError,
                    fmt::format("Duplicate USB controllers with index {}", *controller->index));
      }
      bus = std::make_unique<HubNode>(ports);
    }
  }

  void AddHub(const UsbAddress& address) {
    HubNode& parent = ParentOf(address);
    parent.children[LastPort(address) - 1] = std::make_unique<HubNode>(kHubPorts);
  }

  void Reserve(const UsbAddress& address) {
    HubNode& parent = ParentOf(address);
    unsigned index = LastPort(address) - 1;
    if (parent.taken[index]) {
      ThrowXml(fmt::format("Duplicate USB address bus {} port {}", address.bus, FormatPort(address)));
    }
    parent.taken[index] = true;
  }

  void Assign(DeviceInfo& info) {
    bool bus_given = info.address.type == AddressType::kUsb;
    if (bus_given && (info.address.usb.bus >= buses_.size() || !buses_[info.address.usb.bus])) {
      ThrowXml(fmt::format("USB bus {} requested but no controller with that index is present", info.address.usb.bus));
    }
    for (unsigned bus = 0; bus < buses_.size(); ++bus) {
      if (!buses_[bus] || (bus_given && bus != info.address.usb.bus)) continue;
      UsbAddress address{bus, {}};
      if (!FindFree(*buses_[bus], address, 0)) continue;
      info.address.type = AddressType::kUsb;
      info.address.usb = address;
      return;
    }
    if (bus_given) {
      throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError,
                  fmt::format("Cannot find a free USB port on bus {}", info.address.usb.bus));
    }
    throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "No free USB ports");
  }

 private:
  // Ports near the root first.
  static bool FindFree(HubNode& hub, UsbAddress& address, unsigned depth) {
    if (auto port = hub.FreePort()) {
      hub.taken[*port] = true;
      address.port[depth] = *port + 1;
      return true;
    }
    if (depth + 1 >= kMaxDepth) return false;
    for (unsigned i = 0; i < hub.children.size(); ++i) {
      if (!hub.children[i]) continue;
      address.port[depth] = i + 1;
      if (FindFree(*hub.children[i], address, depth + 1)) return true;
    }
    address.port[depth] = 0;
    return false;
  }

  static unsigned LastPort(const UsbAddress& address) {
    unsigned last = 0;
    for (unsigned part : address.port) {
      if (part == 0) break;
      last = part;
    }
    return last;
  }

  HubNode& ParentOf(const UsbAddress& address) {
    if (address.bus >= buses_.size() || !buses_[address.bus]) {
      ThrowXml(fmt::format("USB bus {} requested but no controller with that index is present", address.bus));
    }
    HubNode* hub = buses_[address.bus].get();
    std::string path = FormatPort(address);
    for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
      unsigned port = address.port[depth];
      if (port > hub->taken.size()) {
        ThrowXml(fmt::format("requested USB port {} not present on USB bus {}", path, address.bus));
      }
      if (depth + 1 == kMaxDepth || address.port[depth + 1] == 0) return *hub;
      if (!hub->children[port - 1]) {
        ThrowXml(fmt::format("there is no hub at port {} in USB address bus: {} port: {}", port, address.bus, path));
      }
      hub = hub->children[port - 1].get();
    }
    return *hub;
  }

  std::vector<std::unique_ptr<HubNode>> buses_;
};

// What has another address keeps it, for validation to judge.
bool WantsPort(const DeviceInfo& info) { return info.address.type == AddressType::kNone || info.address.type == AddressType::kUsb; }
bool HasPort(const DeviceInfo& info) { return info.address.type == AddressType::kUsb && info.address.usb.HasPort(); }

// Calls f(info) for every USB device, in the order in which they get ports.
template <typename F>
void ForEachUsbDevice(DomainDef& def, bool with_hubs, F f) {
  if (with_hubs) {
    for (auto& d : def.hubs) f(d->info);
  }
  for (auto& d : def.hostdevs) {
    if (d->mode == HostdevMode::kSubsystem && d->type == HostdevType::kUsb) f(d->info);
  }
  for (auto& d : def.interfaces) {
    if (d->type == InterfaceType::kHostdev && d->hostdev->type == HostdevType::kUsb) f(d->info);
  }
  for (auto& d : def.disks) {
    if (d->bus == DiskBus::kUsb) f(d->info);
  }
  for (auto& d : def.controllers) {
    if (d->type == ControllerType::kCcid) f(d->info);
  }
  for (auto& d : def.inputs) {
    if (d->bus == InputBus::kUsb) f(d->info);
  }
  for (auto& d : def.serials) {
    if (d->serial_target == SerialTarget::kUsb) f(d->info);
  }
  for (auto& d : def.sounds) {
    if (d->model == SoundModel::kUsb) f(d->info);
  }
  for (auto& d : def.redirdevs) f(d->info);
}

// A hub takes a port and brings eight.
void AddMissingHubs(DomainDef& def) {
  unsigned available = static_cast<unsigned>(def.hubs.size()) * kHubPorts;
  for (auto& controller : def.controllers) {
    if (HasOwnPorts(def, *controller)) available += PortsOf(*controller);
  }
  unsigned needed = 0;
  ForEachUsbDevice(def, true, [&](DeviceInfo& info) {
    needed += WantsPort(info);
  });
  if (needed <= available || available == 0) return;
  constexpr unsigned kGain = kHubPorts - 1;
  for (unsigned hubs = (needed - available + kGain) / kGain; hubs > 0; --hubs) def.hubs.push_back(std::make_unique<Hub>());
}

bool IsUsbDisabled(const DomainDef& def) {
  return std::ranges::any_of(def.controllers, [](auto& c) { return c->type == ControllerType::kUsb && c->model == ControllerModel::kUsbNone; });
}

}  // namespace

void AssignUsbAddresses(DomainDef& def, bool new_domain) {
  for (auto& disk : def.disks) {
    AddressType type = disk->info.address.type;
    if (disk->bus == DiskBus::kUsb && type != AddressType::kNone && type != AddressType::kUsb) {
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "unexpected address type for usb disk");
    }
  }
  for (auto& input : def.inputs) {
    if (input->bus == InputBus::kUsb && !WantsPort(input->info)) {
      throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, "Invalid address for a USB device");
    }
  }
  if (IsUsbDisabled(def)) {
    ForEachUsbDevice(def, true, [](DeviceInfo&) {
      throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                  "USB is disabled for this domain, but USB devices are present in the domain XML");
    });
  }
  UsbBuses buses(def);
  if (new_domain) AddMissingHubs(def);
  for (auto& hub : def.hubs) {
    if (HasPort(hub->info)) buses.AddHub(hub->info.address.usb);
  }
  ForEachUsbDevice(def, true, [&](DeviceInfo& info) {
    if (HasPort(info)) buses.Reserve(info.address.usb);
  });
  for (auto& hub : def.hubs) {
    if (HasPort(hub->info)) continue;
    buses.Assign(hub->info);
    buses.AddHub(hub->info.address.usb);
  }
  ForEachUsbDevice(def, false, [&](DeviceInfo& info) {
    if (WantsPort(info) && !HasPort(info)) buses.Assign(info);
  });
}

}  // namespace bv::qemu
