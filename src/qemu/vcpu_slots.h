#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/domain/vcpu.h"

namespace bv::qemu {

// A place for a vCPU as query-hotpluggable-cpus tells of it.
struct VcpuSlot {
  Json plug;             // device_add's arguments, but for the id
  std::string qom_path;  // empty: nothing is in it
};

// The places by vCPU number: QEMU numbers them by their topology, but lists them as it likes.
std::vector<VcpuSlot> ReadVcpuSlots(const Json& answer);

// vCPUs that QEMU does not start with, but that are to be there when the guest runs; in the order they want.
std::vector<unsigned> VcpusToPlugAtStart(const model::VcpuSettings& settings);
// Notes in a running guest's <vcpus> in which order they came.
void NumberVcpus(model::VcpuSettings& settings);

}  // namespace bv::qemu
