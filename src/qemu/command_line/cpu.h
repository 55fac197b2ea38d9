#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// -cpu: the model with its features, then what else is switched on the CPU: paravirtual clocks,
// Hyper-V and KVM features, the performance counters. The definition's CPU is resolved already.
void AddCpu(const Context& context, CommandLine* out);

}  // namespace bv::qemu
