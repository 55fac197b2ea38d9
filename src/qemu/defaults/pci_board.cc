#include "qemu/defaults/pci_board.h"

#include <algorithm>

#include "base/error.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

bool HasRoot(const DomainDef& def, ControllerModel model) {
  return std::ranges::any_of(def.controllers, [=](auto& c) {
    return c->type == ControllerType::kPci && c->index == 0u && c->model == model;
  });
}

bool WantsPlace(const DeviceInfo& info) {
  return info.address.type == AddressType::kNone || (info.address.type == AddressType::kPci && info.address.pci.IsEmpty());
}

constexpr PciAddress Place(unsigned slot, unsigned function = 0) { return {0, 0, slot, function, OnOff::kAbsent, {}}; }

void PutAt(DeviceInfo& info, const PciAddress& place) {
  info.address.type = AddressType::kPci;
  info.address.pci = place;
}

// The device's one place on this board: assigned, or checked.
void InsistOn(DeviceInfo& info, const PciAddress& place, const char* message) {
  if (WantsPlace(info) || info.address.type != AddressType::kPci) return PutAt(info, place);
  if (!info.address.pci.SamePlace(place)) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, message);
  }
}

bool HasVideoCard(const DomainDef& def) {
  return !def.videos.empty() && def.videos[0]->type != VideoType::kNone && def.videos[0]->type != VideoType::kRamfb;
}

// QEMU puts the primary card into this slot by itself, and guests have come to rely on it.
void PlacePrimaryVideo(DomainDef& def, PciBusSet& buses, PciBoard board, unsigned slot) {
  if (!HasVideoCard(def) || !WantsPlace(def.videos[0]->info)) return;
  Video& video = *def.videos[0];
  PciAddress place = Place(slot);
  unsigned connect = PciConnectOf(video, board);
  if (buses.SlotInUse(0, slot)) {
    place = buses.ReserveNext(connect);
  } else {
    buses.ReserveFixed(place, connect);
  }
  PutAt(video.info, place);
}

void ReservePiix3(DomainDef& def, PciBusSet& buses, PciBoard board) {
  for (auto& controller : def.controllers) {
    bool uhci = controller->model == ControllerModel::kPiix3Uhci || controller->model == ControllerModel::kDefault;
    if (controller->type == ControllerType::kIde && controller->index == 0u) {
      InsistOn(controller->info, Place(1, 1), "Primary IDE controller must have PCI address 0:0:1.1");
    } else if (controller->type == ControllerType::kUsb && controller->index == 0u && uhci) {
      InsistOn(controller->info, Place(1, 2), "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2");
    } else {
      continue;
    }
    buses.ReserveFixed(controller->info.address.pci, board.pci_device());
  }
  buses.Occupy(Place(1, 0));  // the ISA bridge
  buses.Occupy(Place(1, 3));  // power management
  PlacePrimaryVideo(def, buses, board, 2);
}

// Tries `slots` one after the other; a device that finds them taken gets a place like any other.
void Prefer(DeviceInfo& info, PciBusSet& buses, unsigned connect, std::initializer_list<unsigned> slots) {
  if (!WantsPlace(info)) return;
  for (unsigned slot : slots) {
    if (buses.SlotInUse(0, slot)) continue;
    OnOff multifunction = info.address.pci.multifunction;
    buses.ReserveFixed(Place(slot), connect);
    PutAt(info, Place(slot));
    info.address.pci.multifunction = multifunction;
    return;
  }
}

void ReserveQ35(DomainDef& def, PciBusSet& buses, PciBoard board) {
  for (auto& controller : def.controllers) {
    unsigned connect = PciConnectOf(*controller, board);
    if (controller->type == ControllerType::kSata && controller->index == 0u) {
      bool chosen = WantsPlace(controller->info);
      InsistOn(controller->info, Place(0x1f, 2), "Primary SATA controller must have PCI address 0:0:1f.2");
      if (chosen) buses.ReserveFixed(Place(0x1f, 2), connect);
    } else if (controller->type == ControllerType::kUsb && controller->model == ControllerModel::kIch9Uhci1) {
      bool chosen = WantsPlace(controller->info);
      Prefer(controller->info, buses, connect, {0x1d, 0x1a});
      if (chosen && !WantsPlace(controller->info)) controller->info.address.pci.multifunction = OnOff::kOn;
    } else if (controller->type == ControllerType::kPci && controller->model == ControllerModel::kDmiToPciBridge) {
      Prefer(controller->info, buses, connect, {0x1e});
    }
  }
  buses.Occupy(Place(0x1f, 0));  // the ISA bridge
  buses.Occupy(Place(0x1f, 3));  // SMBus
  PlacePrimaryVideo(def, buses, board, 1);
  for (auto& sound : def.sounds) {
    if (sound->model != SoundModel::kIch9 || !WantsPlace(sound->info)) continue;
    Prefer(sound->info, buses, PciConnectOf(*sound, board), {0x1b});
    return;
  }
}

}  // namespace

bool HasPciRoot(const DomainDef& def) { return HasRoot(def, ControllerModel::kPciRoot); }
bool HasPcieRoot(const DomainDef& def) { return HasRoot(def, ControllerModel::kPcieRoot); }

bool IsBuiltinPiix3(const Controller& controller) {
  const PciAddress& a = controller.info.address.pci;
  if (controller.info.address.type != AddressType::kPci || a.domain || a.bus || a.slot != 1) return false;
  bool uhci = controller.model == ControllerModel::kPiix3Uhci || controller.model == ControllerModel::kDefault;
  return (controller.type == ControllerType::kIde && a.function == 1) ||
         (controller.type == ControllerType::kUsb && uhci && a.function == 2);
}

void ReserveBoardPlaces(DomainDef& def, PciBusSet& buses, PciBoard board) {
  if (IsI440fx(def)) ReservePiix3(def, buses, board);
  if (IsQ35(def)) ReserveQ35(def, buses, board);
}

}  // namespace bv::qemu
