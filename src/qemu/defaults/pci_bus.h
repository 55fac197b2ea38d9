#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/domain/address.h"
#include "model/domain/controller.h"

namespace bv::qemu {

// What a device asks of the bus it is plugged into, and what a bus offers: a bit set.
enum PciConnect : unsigned {
  kPciDevice = 1 << 0,
  kPcieDevice = 1 << 1,
  kPcieRootPort = 1 << 2,
  kPcieSwitchUpstreamPort = 1 << 3,
  kPcieSwitchDownstreamPort = 1 << 4,
  kDmiToPciBridge = 1 << 5,
  kPciExpanderBus = 1 << 6,
  kPcieExpanderBus = 1 << 7,
  kPciBridge = 1 << 8,
  kPcieToPciBridge = 1 << 9,
  kPciConnectTypes = (1 << 10) - 1,
  kPciEndpoints = kPciDevice | kPcieDevice,

  kPciHotpluggable = 1 << 10,
  kPciAutoassign = 1 << 11,     // bus: may be chosen by us
  kPciAggregateSlot = 1 << 12,  // device: shares a slot with others of its kind
  kPciIntegrated = 1 << 13,     // device: only on bus 0
  kPciOnly = 1 << 14,           // device: must get a place, even if no bus takes it
};

// The kind of socket that a PCI controller of `model` itself goes into.
unsigned PciConnectOf(model::ControllerModel model);

// The PCI buses of a guest while its devices get their addresses. Errors are libvirt's, domain kDomain.
class PciBusSet {
 public:
  // `dry_run`: buses are added when devices need them, to learn how many controllers are missing.
  PciBusSet(std::size_t buses, bool dry_run) : buses_(buses), dry_run_(dry_run) {}

  std::size_t size() const { return buses_.size(); }
  model::ControllerModel model(std::size_t bus) const { return buses_[bus].model; }
  bool has_model(std::size_t bus) const { return buses_[bus].model != model::ControllerModel::kDefault; }
  void SetModel(std::size_t bus, model::ControllerModel model, bool hotplug = true);

  // An address that the configuration names.
  void ReserveFixed(const model::PciAddress& address, unsigned connect);
  // A whole slot or function that the board itself or a rule of ours occupies; not checked against
  // what the bus takes.
  void Occupy(const model::PciAddress& address);
  // The first free place for a device; `function` is -1 where any will do.
  model::PciAddress ReserveNext(unsigned connect, int function = -1);

  bool SlotInUse(unsigned bus, unsigned slot) const { return buses_[bus].slots[slot].functions != 0; }
  unsigned FunctionsInUse(const model::PciAddress& address) const {
    return buses_[address.bus].slots[address.slot].functions;
  }
  // Every slot of every bus is taken.
  bool Full() const;

 private:
  struct Slot {
    std::uint8_t functions = 0;
    bool aggregate = false;
  };
  struct Bus {
    model::ControllerModel model = model::ControllerModel::kDefault;
    unsigned offers = 0;
    unsigned min_slot = 0, max_slot = 0;
    Slot slots[32];
  };

  enum class Source { kConfig, kOurs };
  bool Compatible(const model::PciAddress& address, unsigned offers, unsigned asks, Source source,
                  bool throw_if_not) const;
  void CheckPlace(const model::PciAddress& address, unsigned connect) const;
  bool FindOnBus(model::PciAddress& address, unsigned connect, int function) const;
  void Grow(model::PciAddress& address, unsigned connect);
  void Take(const model::PciAddress& address, unsigned connect);

  std::vector<Bus> buses_;
  bool dry_run_;
};

std::string FormatPciPlace(const model::PciAddress& address);  // "0000:00:1f.2"

}  // namespace bv::qemu
