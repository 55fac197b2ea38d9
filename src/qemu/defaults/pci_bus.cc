#include "qemu/defaults/pci_bus.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace bv::qemu {

using model::ControllerModel;
using model::PciAddress;

namespace {

struct BusRow {
  ControllerModel model;
  unsigned itself;  // what the controller is plugged in as
  unsigned offers;
  unsigned min_slot, max_slot;
};

constexpr BusRow kBuses[] = {
    {ControllerModel::kPciRoot, 0,
     kPciHotpluggable | kPciAutoassign | kPciDevice | kPciBridge | kPciExpanderBus | kPciIntegrated,
     1, 31},
    {ControllerModel::kPciBridge, kPciBridge, kPciHotpluggable | kPciAutoassign | kPciDevice | kPciBridge, 1, 31},
    {ControllerModel::kPciExpanderBus, kPciExpanderBus, kPciDevice | kPciBridge, 0, 31},
    {ControllerModel::kPcieRoot, 0,
     kPciAutoassign | kPcieDevice | kPcieRootPort | kDmiToPciBridge | kPcieToPciBridge | kPcieExpanderBus | kPciIntegrated,
     1, 31},
    {ControllerModel::kDmiToPciBridge, kDmiToPciBridge, kPciAutoassign | kPciDevice | kPciBridge, 0, 31},
    // It could sit on the root, but is given a port of its own.
    {ControllerModel::kPcieToPciBridge, kPcieToPciBridge | kPciHotpluggable, kPciHotpluggable | kPciAutoassign | kPciDevice | kPciBridge, 1, 31},
    {ControllerModel::kPcieRootPort, kPcieRootPort | kPciAggregateSlot,
     kPciHotpluggable | kPciAutoassign | kPcieDevice | kPcieSwitchUpstreamPort | kPcieToPciBridge, 0, 0},
    {ControllerModel::kPcieSwitchUpstreamPort, kPcieSwitchUpstreamPort, kPciAutoassign | kPcieSwitchDownstreamPort, 0, 31},
    {ControllerModel::kPcieSwitchDownstreamPort, kPcieSwitchDownstreamPort,
     kPciHotpluggable | kPciAutoassign | kPcieDevice | kPcieSwitchUpstreamPort | kPcieToPciBridge, 0, 0},
    {ControllerModel::kPcieExpanderBus, kPcieExpanderBus, kPcieRootPort | kDmiToPciBridge, 0, 31},
};

const BusRow* FindBusRow(ControllerModel model) {
  auto found = std::ranges::find(kBuses, model, &BusRow::model);
  return found == std::end(kBuses) ? nullptr : found;
}

// What a device is, for messages.
std::string_view NameOfConnect(unsigned connect) {
  constexpr std::pair<unsigned, std::string_view> kNames[] = {
      {kPcieDevice, "pcie device"}, {kPciDevice, "pci device"}, {kPcieRootPort, "pcie-root-port"},
      {kPcieSwitchUpstreamPort, "pcie-switch-upstream-port"}, {kPcieSwitchDownstreamPort, "pcie-switch-downstream-port"},
      {kDmiToPciBridge, "dmi-to-pci-bridge"}, {kPciExpanderBus, "pci-expander-bus"},
      {kPcieExpanderBus, "pcie-expander-bus"}, {kPciBridge, "pci-bridge"}, {kPcieToPciBridge, "pcie-to-pci-bridge"}};
  for (auto& [bit, name] : kNames) {
    if (connect & bit) return name;
  }
  return "unknown";
}

[[noreturn]] void ThrowXml(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, std::move(text)); }
[[noreturn]] void ThrowInternal(std::string text) {
  throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, std::move(text));
}

}  // namespace

std::string FormatPciPlace(const PciAddress& a) {
  return fmt::format("{:04x}:{:02x}:{:02x}.{}", a.domain, a.bus, a.slot, a.function);
}

unsigned PciConnectOf(ControllerModel model) {
  const BusRow* row = FindBusRow(model);
  return row ? row->itself : 0;
}

void PciBusSet::SetModel(std::size_t index, ControllerModel model, bool hotplug) {
  const BusRow* row = FindBusRow(model);
  if (!row) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError, "PCI controller model was not set correctly");
  }
  Bus& bus = buses_[index];
  bus.model = model;
  bus.offers = row->offers;
  bool port = model == ControllerModel::kPcieRootPort || model == ControllerModel::kPcieSwitchDownstreamPort;
  if (port && !hotplug) bus.offers &= ~static_cast<unsigned>(kPciHotpluggable);
  bus.min_slot = row->min_slot;
  bus.max_slot = row->max_slot;
}

bool PciBusSet::Compatible(const PciAddress& address, unsigned offers, unsigned asks, Source source,
                           bool throw_if_not) const {
  if (source == Source::kConfig) {
    // Who writes an address knows: PCI and PCIe endpoints may swap places, and need not be hotpluggable.
    if (offers & kPciEndpoints) offers |= kPciEndpoints;
    if (asks & kPciHotpluggable) offers |= kPciHotpluggable;
    if (asks & kPciBridge) asks |= kPciDevice;
  }
  if (!(asks & offers & kPciConnectTypes)) {
    if (!throw_if_not) return false;
    ThrowXml(fmt::format("The device at PCI address {} cannot be plugged into the PCI controller with index='{}'. "
                         "It requires a controller that accepts a {}.",
                         FormatPciPlace(address), address.bus, NameOfConnect(asks)));
  }
  if ((asks & kPciHotpluggable) && !(offers & kPciHotpluggable)) return false;
  if (source == Source::kOurs && !(offers & kPciAutoassign)) return false;
  if ((asks & kPciIntegrated) && !(offers & kPciIntegrated)) {
    if (!throw_if_not) return false;
    ThrowXml(fmt::format("The device at PCI address {} needs to be an integrated device (bus=0)", FormatPciPlace(address)));
  }
  return true;
}

void PciBusSet::CheckPlace(const PciAddress& address, unsigned connect) const {
  std::string place = FormatPciPlace(address);
  if (address.domain != 0) ThrowXml(fmt::format("Invalid PCI address {}. Only PCI domain 0 is available", place));
  if (address.bus >= buses_.size()) {
    ThrowXml(fmt::format("Invalid PCI address {}. Only PCI buses up to {} are available", place, buses_.size() - 1));
  }
  const Bus& bus = buses_[address.bus];
  Compatible(address, bus.offers, connect, Source::kConfig, true);
  if (address.slot < bus.min_slot) {
    ThrowXml(fmt::format("Invalid PCI address {}. slot must be >= {}", place, bus.min_slot));
  }
  if (address.slot > bus.max_slot) {
    ThrowXml(fmt::format("Invalid PCI address {}. slot must be <= {}", place, bus.max_slot));
  }
  if (address.function > 7) ThrowXml(fmt::format("Invalid PCI address {}. function must be <= 7", place));
}

void PciBusSet::ReserveFixed(const PciAddress& address, unsigned connect) {
  PciAddress grown = address;
  if (dry_run_) Grow(grown, connect);
  CheckPlace(address, connect);
  if (buses_[address.bus].slots[address.slot].functions >> address.function & 1) {
    ThrowXml("Attempted double use of PCI Address " + FormatPciPlace(address));
  }
  Take(address, connect);
}

void PciBusSet::Occupy(const PciAddress& address) {
  if (buses_[address.bus].slots[address.slot].functions >> address.function & 1) {
    ThrowXml("Attempted double use of PCI Address " + FormatPciPlace(address));
  }
  Take(address, 0);
}

void PciBusSet::Take(const PciAddress& address, unsigned connect) {
  Slot& slot = buses_[address.bus].slots[address.slot];
  bool aggregates = (connect & kPciAggregateSlot) != 0;
  slot.aggregate = slot.functions == 0 ? aggregates : slot.aggregate && aggregates;
  slot.functions |= static_cast<std::uint8_t>(1u << address.function);
}

bool PciBusSet::FindOnBus(PciAddress& address, unsigned connect, int function) const {
  const Bus& bus = buses_[address.bus];
  if (!Compatible(address, bus.offers, connect, Source::kOurs, false)) return false;
  for (address.slot = bus.min_slot; address.slot <= bus.max_slot; ++address.slot) {
    const Slot& slot = bus.slots[address.slot];
    address.function = function < 0 ? 0 : static_cast<unsigned>(function);
    if (slot.functions == 0) return true;
    if (!(connect & kPciAggregateSlot) || !slot.aggregate) continue;
    if (!(slot.functions >> address.function & 1)) return true;
    if (function >= 0) continue;
    for (address.function = 0; address.function < 8; ++address.function) {
      if (!(slot.functions >> address.function & 1)) return true;
    }
  }
  return false;
}

PciAddress PciBusSet::ReserveNext(unsigned connect, int function) {
  PciAddress address;
  if (buses_.empty()) ThrowXml("No PCI buses available");
  bool found = false;
  for (address.bus = 0; address.bus < buses_.size(); ++address.bus) {
    found = FindOnBus(address, connect, function);
    if (found) break;
  }
  if (!found) {
    if (!dry_run_) ThrowInternal("No more available PCI slots");
    Grow(address, connect);
    address.slot = buses_[address.bus].min_slot;
    address.function = function < 0 ? 0 : static_cast<unsigned>(function);
  }
  Take(address, connect);
  return address;
}

// Adds buses until `address.bus` is there, of the kind that a device asking for `connect` can use. The
// address moves on where another bridge has to come first.
void PciBusSet::Grow(PciAddress& address, unsigned connect) {
  if (address.bus < buses_.size()) return;
  ControllerModel model;
  auto first = buses_.size();
  bool port_first = false;
  if (connect & kPciDevice) {
    bool bridge_fits = std::ranges::any_of(buses_, [](const Bus& bus) { return (bus.offers & kPciBridge) != 0; });
    model = ControllerModel::kPciBridge;
    // A PCIe to PCI bridge needs a port that it can be plugged into; other bridges can sit on it.
    port_first = !bridge_fits;
    if (port_first && address.bus == first) ++address.bus;
  } else if (connect & (kPcieDevice | kPcieSwitchUpstreamPort | kPcieToPciBridge)) {
    model = ControllerModel::kPcieRootPort;
  } else if (connect & kPciConnectTypes) {
    ThrowInternal(fmt::format("a PCI slot is needed to connect a PCI controller model='{}', but none is available, and it "
                              "cannot be automatically added",
                              NameOfConnect(connect)));
  } else {
    ThrowInternal(fmt::format("Cannot automatically add a new PCI bus for a device with connect flags {:02x}", connect & kPciConnectTypes));
  }
  buses_.resize(address.bus + 1);
  if (port_first) {
    SetModel(first, ControllerModel::kPcieRootPort);
    Take({.bus = static_cast<unsigned>(first++)}, 0);
    SetModel(first++, ControllerModel::kPcieToPciBridge);
  }
  for (auto i = first; i < buses_.size(); ++i) SetModel(i, model);
}

bool PciBusSet::Full() const {
  return std::ranges::all_of(buses_, [](const Bus& bus) {
    for (auto slot = bus.min_slot; slot <= bus.max_slot; ++slot) {
      if (bus.slots[slot].functions == 0) return false;
    }
    return true;
  });
}

}  // namespace bv::qemu
