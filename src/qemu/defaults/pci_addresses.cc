#include "qemu/defaults/pci_addresses.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "qemu/defaults/controllers.h"
#include "qemu/defaults/pci_board.h"
#include "qemu/defaults/pci_bus.h"
#include "qemu/defaults/pci_connect.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

bool IsPlaced(const DeviceInfo& info) { return info.address.type == AddressType::kPci && !info.address.pci.IsEmpty(); }
bool WantsPlace(const DeviceInfo& info) {
  return info.address.type == AddressType::kNone || (info.address.type == AddressType::kPci && info.address.pci.IsEmpty());
}

unsigned Only(bool only) { return only ? static_cast<unsigned>(kPciOnly) : 0u; }

// Floppies sit behind the ISA bridge, card readers on USB, the first IDE controller is the board's.
bool NeedsPci(const Controller& c) {
  switch (c.type) {
    case ControllerType::kFdc:
    case ControllerType::kCcid: return false;
    case ControllerType::kIde: return c.index != 0u;
    case ControllerType::kUsb: return c.model != ControllerModel::kUsbNone;
    default: return true;
  }
}

// Calls f(info, connect) for every device that may be on a PCI bus, in the order in which they get
// places; controllers of type pci come first, USB 2 companions see their partners.
template <typename F>
void ForEachPciDevice(DomainDef& def, PciBoard board, F f) {
  for (auto& d : def.controllers) {
    if (d->type == ControllerType::kPci) f(d->info, PciConnectOf(*d, board), d.get());
  }
  Controller* none = nullptr;
  for (auto& d : def.filesystems) f(d->info, PciConnectOf(*d, board) | kPciOnly, none);
  for (auto& d : def.interfaces) {
    if (d->type != InterfaceType::kHostdev) f(d->info, PciConnectOf(*d, board) | kPciOnly, none);
  }
  for (auto& d : def.sounds) {
    bool card = d->model != SoundModel::kSb16 && d->model != SoundModel::kPcspk && d->model != SoundModel::kUsb;
    f(d->info, PciConnectOf(*d, board) | Only(card), none);
  }
  for (auto& d : def.controllers) {
    if (d->type != ControllerType::kPci) f(d->info, PciConnectOf(*d, board) | Only(NeedsPci(*d)), d.get());
  }
  for (auto& d : def.disks) f(d->info, PciConnectOf(*d, board), none);
  for (auto& d : def.interfaces) {
    if (d->type == InterfaceType::kHostdev) f(d->info, PciConnectOf(*d->hostdev, d->info, board), none);
  }
  for (auto& d : def.hostdevs) f(d->info, PciConnectOf(*d, d->info, board), none);
  if (def.memballoon) {
    bool device = def.memballoon->model != MemballoonModel::kNone;
    f(def.memballoon->info, PciConnectOf(*def.memballoon, board) | Only(device), none);
  }
  for (auto& d : def.rngs) f(d->info, PciConnectOf(*d, board), none);
  for (auto& d : def.watchdogs) f(d->info, PciConnectOf(*d, board), none);
  for (auto& d : def.videos) {
    bool card = d->type != VideoType::kNone && d->type != VideoType::kRamfb;
    f(d->info, PciConnectOf(*d, board) | Only(card), none);
  }
  for (auto& d : def.shmems) f(d->info, PciConnectOf(*d, board), none);
  for (auto& d : def.inputs) f(d->info, PciConnectOf(*d, board), none);
  for (auto& d : def.serials) f(d->info, PciConnectOf(*d, board), none);
  if (def.iommu) f(def.iommu->info, PciConnectOf(*def.iommu, board), none);
  if (def.vsock) f(def.vsock->info, PciConnectOf(*def.vsock, board), none);
  for (auto& d : def.memory_devices) f(d->info, PciConnectOf(*d, board), none);
  for (auto& d : def.cryptos) f(d->info, PciConnectOf(*d, board), none);
}

// Chooses places for what has none, on one set of buses.
class Assigner {
 public:
  Assigner(DomainDef& def, std::size_t buses, bool dry_run)
      : def_(def), board_{HasPcieRoot(def)}, buses_(buses, dry_run) {}

  PciBusSet& buses() { return buses_; }

  // The buses that the controllers make; indexes without a controller get the bridge that fits.
  void CreateBuses() {
    for (auto& controller : def_.controllers) {
      if (controller->type != ControllerType::kPci) continue;
      buses_.SetModel(*controller->index, controller->model, controller->pci.hotplug != OnOff::kOff);
    }
    if (!buses_.has_model(0)) buses_.SetModel(0, ControllerModel::kPciRoot);
    for (std::size_t i = 1; i < buses_.size(); ++i) {
      if (!buses_.has_model(i)) buses_.SetModel(i, ModelForGap(i));
    }
  }

  void ReserveGiven() {
    ForEachPciDevice(def_, board_, [&](DeviceInfo& info, unsigned connect, Controller* controller) {
      if (connect == 0 || !IsPlaced(info) || (controller && IsBuiltinPiix3(*controller))) return;
      buses_.ReserveFixed(info.address.pci, connect);
    });
  }

  void ReserveBoard() { ReserveBoardPlaces(def_, buses_, board_); }

  void AssignRest() {
    ForEachPciDevice(def_, board_, [&](DeviceInfo& info, unsigned connect, Controller* controller) {
      if (!WantsPlace(info) || connect == 0) return;
      if (controller && IsIch9Usb2(*controller)) return AssignUsb2(*controller, connect);
      Place(info, buses_.ReserveNext(connect));
    });
  }

 private:
  static void Place(DeviceInfo& info, const PciAddress& place) {
    OnOff multifunction = info.address.pci.multifunction;
    ZpciAddress zpci = info.address.pci.zpci;
    info.address.type = AddressType::kPci;
    info.address.pci = place;
    info.address.pci.multifunction = multifunction;
    info.address.pci.zpci = zpci;
  }

  ControllerModel ModelForGap(std::size_t index) const {
    if (!board_.pcie) return ControllerModel::kPciBridge;
    // A pci-bridge without an address needs a bridge with a lower index that it can be plugged into.
    bool bridge_waits = false, bridge_served = false;
    for (auto& controller : def_.controllers) {
      if (controller->type != ControllerType::kPci) continue;
      if (controller->model == ControllerModel::kPciBridge && WantsPlace(controller->info) && *controller->index > index) {
        bridge_waits = true;
      }
      bridge_served |= controller->model == ControllerModel::kDmiToPciBridge ||
                       controller->model == ControllerModel::kPcieToPciBridge;
    }
    for (std::size_t i = 0; i < index; ++i) {
      bridge_served |= buses_.model(i) == ControllerModel::kDmiToPciBridge;
    }
    return bridge_waits && !bridge_served ? ControllerModel::kDmiToPciBridge : ControllerModel::kPcieRootPort;
  }

  // The companions of a USB 2 controller share its slot, each with its function.
  void AssignUsb2(Controller& controller, unsigned connect) {
    unsigned function = 0;
    switch (controller.model) {
      case ControllerModel::kIch9Ehci1: function = 7; break;
      case ControllerModel::kIch9Uhci2: function = 1; break;
      case ControllerModel::kIch9Uhci3: function = 2; break;
      default: break;
    }
    const Controller* partner = nullptr;
    for (auto& other : def_.controllers) {
      if (IsIch9Usb2(*other) && other->index == controller.index && IsPlaced(other->info)) {
        partner = other.get();
        break;
      }
    }
    if (partner) {
      PciAddress place = partner->info.address.pci;
      place.function = function;
      place.multifunction = OnOff::kAbsent;
      buses_.ReserveFixed(place, connect);
      Place(controller.info, place);
    } else {
      Place(controller.info, buses_.ReserveNext(connect, static_cast<int>(function)));
    }
    if (controller.model == ControllerModel::kIch9Uhci1) controller.info.address.pci.multifunction = OnOff::kOn;
  }

  DomainDef& def_;
  PciBoard board_;
  PciBusSet buses_;
};

std::optional<unsigned> HighestPciIndex(const DomainDef& def) {
  constexpr unsigned kMost = 255;  // a bus's number is a byte
  std::optional<unsigned> highest;
  for (auto& controller : def.controllers) {
    if (controller->type == ControllerType::kPci) highest = std::max(highest.value_or(0), *controller->index);
  }
  if (highest.value_or(0) > kMost) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, fmt::format("PCI controller index {} too high, maximum is {}", *highest, kMost));
  }
  return highest;
}

// Forgets the places that a dry run has chosen.
class PlaceKeeper {
 public:
  PlaceKeeper(DomainDef& def, PciBoard board) : def_(def), board_(board) {
    ForEachPciDevice(def_, board_, [&](DeviceInfo& info, unsigned, Controller*) { kept_.push_back(info.address); });
  }
  ~PlaceKeeper() {
    std::size_t i = 0;
    ForEachPciDevice(def_, board_, [&](DeviceInfo& info, unsigned, Controller*) { info.address = kept_[i++]; });
  }

 private:
  DomainDef& def_;
  PciBoard board_;
  std::vector<Address> kept_;
};

// Tries all devices on buses that grow as needed; returns the models of the buses that came out.
std::vector<ControllerModel> FindBusesNeeded(DomainDef& def, std::size_t buses, bool new_domain) {
  PciBoard board{HasPcieRoot(def)};
  PlaceKeeper keeper(def, board);
  Assigner trial(def, buses, true);
  trial.CreateBuses();
  trial.ReserveGiven();
  trial.ReserveBoard();
  // A slot is kept free on PCI boards for a bridge that may come later, and one for each that comes now.
  if (!trial.buses().Full() && !board.pcie) trial.buses().ReserveNext(board.pci_device());
  trial.AssignRest();
  for (auto i = buses; !board.pcie && i < trial.buses().size(); ++i) trial.buses().ReserveNext(board.pci_device());
  // Whoever leaves the PCI topology to us shall be able to plug in one device more.
  if (new_domain && board.pcie && buses == 1 && trial.buses().size() > buses) {
    trial.buses().ReserveNext(board.pcie_device());
  }
  std::vector<ControllerModel> models;
  for (std::size_t i = 0; i < trial.buses().size(); ++i) models.push_back(trial.buses().model(i));
  return models;
}

void AddMissingControllers(DomainDef& def, bool new_domain) {
  auto models = FindBusesNeeded(def, *HighestPciIndex(def) + 1, new_domain);
  for (unsigned i = 1; i < models.size(); ++i) EnsureController(def, ControllerType::kPci, i, models[i]);
}

PciControllerDevice DefaultDevice(ControllerModel model) {
  switch (model) {
    case ControllerModel::kPciBridge: return PciControllerDevice::kPciBridge;
    case ControllerModel::kDmiToPciBridge: return PciControllerDevice::kI82801b11Bridge;
    case ControllerModel::kPcieToPciBridge: return PciControllerDevice::kPciePciBridge;
    case ControllerModel::kPcieRootPort: return PciControllerDevice::kPcieRootPort;
    case ControllerModel::kPcieSwitchUpstreamPort: return PciControllerDevice::kX3130Upstream;
    case ControllerModel::kPcieSwitchDownstreamPort: return PciControllerDevice::kXio3130Downstream;
    case ControllerModel::kPciExpanderBus: return PciControllerDevice::kPxb;
    case ControllerModel::kPcieExpanderBus: return PciControllerDevice::kPxbPcie;
    default: return PciControllerDevice::kNone;
  }
}

// Expander buses take bus numbers from the top, two at a time.
unsigned NextExpanderBusNumber(const DomainDef& def) {
  unsigned lowest = 256;
  for (auto& controller : def.controllers) {
    if (controller->type == ControllerType::kPci && controller->pci.bus_nr) lowest = std::min(lowest, *controller->pci.bus_nr);
  }
  // Buses behind the root are numbered from below.
  if (lowest <= def.controllers.size()) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "no free busNr lower than current lowest busNr is available");
  }
  return lowest - 2;
}

void CompleteOptions(DomainDef& def, Controller& controller) {
  auto& options = controller.pci;
  auto& address = controller.info.address.pci;
  if (options.device == PciControllerDevice::kNone) options.device = DefaultDevice(controller.model);
  switch (controller.model) {
    case ControllerModel::kPciBridge:
      if (!options.chassis_nr) options.chassis_nr = *controller.index;
      break;
    case ControllerModel::kPcieRootPort:
      if (!options.chassis) options.chassis = *controller.index;
      if (!options.port) options.port = (address.slot << 3) + address.function;
      break;
    case ControllerModel::kPcieSwitchDownstreamPort:
      if (!options.chassis) options.chassis = *controller.index;
      if (!options.port) options.port = address.slot;
      break;
    case ControllerModel::kPciExpanderBus:
    case ControllerModel::kPcieExpanderBus:
      if (!options.bus_nr) options.bus_nr = NextExpanderBusNumber(def);
      break;
    default: break;
  }
}

void MarkMultifunction(DomainDef& def, PciBoard board, const PciBusSet& buses) {
  ForEachPciDevice(def, board, [&](DeviceInfo& info, unsigned, Controller*) {
    if (!IsPlaced(info)) return;
    PciAddress& place = info.address.pci;
    bool others = (buses.FunctionsInUse(place) & ~1u) != 0;
    if (place.function == 0 && others && place.multifunction == OnOff::kAbsent) place.multifunction = OnOff::kOn;
  });
}

// Boards of some families may have no PCI at all, and then no device that needs it.
void InsistOnBuses(DomainDef& def) {
  if (IsArm(def) || IsRiscv(def)) return;
  ForEachPciDevice(def, {false}, [&](DeviceInfo& info, unsigned connect, Controller*) {
    if (connect == 0 || !(IsPlaced(info) || WantsPlace(info))) return;
    throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, "No PCI buses available");
  });
}

// A bridge is behind buses that are numbered before it.
void CheckBusOrder(const DomainDef& def) {
  for (auto& controller : def.controllers) {
    if (controller->type != ControllerType::kPci || !IsPlaced(controller->info)) continue;
    unsigned index = *controller->index, bus = controller->info.address.pci.bus;
    if (index > bus) continue;
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                fmt::format("PCI controller at index {} (0x{:02x}) has bus='0x{:02x}', but index must be larger than bus", index, index, bus));
  }
}

}  // namespace

void AssignPciAddresses(DomainDef& def, bool new_domain) {
  auto highest = HighestPciIndex(def);
  if (!highest) return InsistOnBuses(def);
  AddMissingControllers(def, new_domain);
  Assigner assigner(def, *HighestPciIndex(def) + 1, false);
  assigner.CreateBuses();
  assigner.ReserveGiven();
  assigner.ReserveBoard();
  assigner.AssignRest();
  MarkMultifunction(def, {HasPcieRoot(def)}, assigner.buses());
  for (auto& controller : def.controllers) {
    if (controller->type == ControllerType::kPci) CompleteOptions(def, *controller);
  }
  CheckBusOrder(def);
}

}  // namespace bv::qemu
