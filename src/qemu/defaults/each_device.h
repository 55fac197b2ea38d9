#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Calls f(device) for every device of the guest that has a DeviceInfo `info`, kind by kind in the order
// of the document. A first console that stands for a serial port is left out.
template <typename F>
void ForEachDevice(const model::DomainDef& def, F f) {
  auto all = [&](auto& list) {
    for (auto& device : list) f(*device);
  };
  all(def.disks);
  all(def.controllers);
  all(def.filesystems);
  all(def.interfaces);
  all(def.smartcards);
  all(def.serials);
  all(def.parallels);
  for (auto& console : def.consoles) {
    if (console->console_target != model::ConsoleTarget::kSerial) f(*console);
  }
  all(def.channels);
  all(def.inputs);
  all(def.tpms);
  all(def.sounds);
  all(def.videos);
  all(def.hostdevs);
  all(def.redirdevs);
  all(def.hubs);
  all(def.watchdogs);
  if (def.memballoon) f(*def.memballoon);
  all(def.rngs);
  if (def.nvram) f(*def.nvram);
  all(def.panics);
  all(def.shmems);
  all(def.memory_devices);
  all(def.cryptos);
  if (def.iommu) f(*def.iommu);
  if (def.vsock) f(*def.vsock);
}

}  // namespace bv::qemu
