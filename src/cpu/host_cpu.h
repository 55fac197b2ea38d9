#pragma once

#include <optional>
#include <string_view>

#include "cpu/hypervisor.h"
#include "model/cpu.h"

namespace bv::cpu {

// The processor of this machine as <cpu> of a host: model, vendor, features, signature, microcode, the
// TSC and the size of addresses. Without a topology: that is a matter of the node. `models` limits the
// choice of a model; null for any. The model is empty when none fits or on an architecture without models.
//
// Blocks for some milliseconds (KVM has to make a virtual machine to tell the TSC's frequency): call it
// through Offload() and keep what it says, which does not change while the system runs.
model::CpuDef DetectHostCpu(const HypervisorModels* models = nullptr);

// The nearest guest CPU: model, vendor and features, without opening anything but an MSR; the first call
// takes microseconds on hardware, some milliseconds in a virtual machine.
model::CpuDef HostAsGuest(const HypervisorModels* models = nullptr);

// libvirt's name of the architecture that this was built for: "x86_64".
std::string_view HostArch();

}  // namespace bv::cpu
