#include "qemu/defaults/serial_addresses.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "base/error.h"
#include "qemu/defaults/controllers.h"
#include "qemu/defaults/each_device.h"

namespace bv::qemu {

using namespace model;

namespace {

constexpr unsigned kDefaultPorts = 31;

class SerialPorts {
 public:
  explicit SerialPorts(DomainDef& def) : def_(def) {
    for (auto& controller : def.controllers) {
      if (controller->type == ControllerType::kVirtioSerial) AddController(*controller);
    }
  }

  void Reserve(const Address& address) {
    auto& place = address.virtio_serial;
    auto found = controllers_.find(place.controller);
    if (found == controllers_.end()) {
      Fail(fmt::format("virtio serial controller {} is missing", place.controller));
    }
    if (place.port >= found->second.size()) {
      Fail(fmt::format("virtio serial controller {} does not have port {}", place.controller, place.port));
    }
    if (found->second[place.port]) Fail(fmt::format("virtio serial port {} on controller {} is already occupied", place.port, place.controller));
    found->second[place.port] = true;
  }

  void Assign(DeviceInfo& info, bool allow_zero) {
    unsigned first = allow_zero ? 0 : 1;
    if (info.address.type == AddressType::kVirtioSerial) {
      unsigned controller = info.address.virtio_serial.controller;
      auto found = controllers_.find(controller);
      if (found == controllers_.end()) Fail(fmt::format("virtio serial controller {} is missing", controller));
      if (!TakeOn(*found, first, info)) Fail(fmt::format("Unable to find a free port on virtio-serial controller {}", controller));
      return;
    }
    for (auto& entry : controllers_) {
      if (TakeOn(entry, first, info)) return;
    }
    unsigned next = 0;
    while (controllers_.contains(next)) ++next;
    AddController(EnsureController(def_, ControllerType::kVirtioSerial, next));
    TakeOn(*controllers_.find(next), first, info);
  }

 private:
  using Ports = std::map<unsigned, std::vector<bool>>;  // by controller

  [[noreturn]] static void Fail(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, std::move(text)); }

  void AddController(const Controller& controller) {
    controllers_[*controller.index] = std::vector<bool>(controller.ports.value_or(kDefaultPorts));
  }

  static bool TakeOn(Ports::value_type& entry, unsigned first, DeviceInfo& info) {
    for (unsigned port = first; port < entry.second.size(); ++port) {
      if (entry.second[port]) continue;
      entry.second[port] = true;
      info.address.type = AddressType::kVirtioSerial;
      info.address.virtio_serial = {entry.first, 0, port};
      return true;
    }
    return false;
  }

  DomainDef& def_;
  Ports controllers_;
};

// Calls f(chardev, allow_zero) for everything that has a place on a virtio-serial bus. A console that
// was given none is left to QEMU.
template <typename F>
void ForEachVirtioSerial(DomainDef& def, F f) {
  for (auto& console : def.consoles) {
    bool placed = console->info.address.type == AddressType::kVirtioSerial;
    if (console->console_target == ConsoleTarget::kVirtio && placed) f(*console, true);
  }
  for (auto& channel : def.channels) {
    if (channel->channel_target == ChannelTarget::kVirtio) f(*channel, false);
  }
}

// Port 0 of an address given without one stands for "choose one".
bool IsComplete(const DeviceInfo& info) {
  return info.address.type == AddressType::kVirtioSerial && info.address.virtio_serial.port != 0;
}

}  // namespace

void AssignVirtioSerialAddresses(DomainDef& def) {
  SerialPorts ports(def);
  // Whatever has such an address occupies it.
  ForEachDevice(def, [&](auto& device) {
    if (IsComplete(device.info)) ports.Reserve(device.info.address);
  });
  ForEachVirtioSerial(def, [&](Chardev& chardev, bool allow_zero) {
    if (!IsComplete(chardev.info)) ports.Assign(chardev.info, allow_zero);
  });
}

void AssignCcidAddresses(DomainDef& def) {
  unsigned next = 0;
  for (auto& smartcard : def.smartcards) {
    if (smartcard->info.address.type != AddressType::kNone) {
      if (smartcard->info.address.type == AddressType::kCcid) next = std::max(next, smartcard->info.address.ccid.slot + 1);
      continue;
    }
    smartcard->info.address.type = AddressType::kCcid;
    smartcard->info.address.ccid = {0, next++};
  }
}

}  // namespace bv::qemu
