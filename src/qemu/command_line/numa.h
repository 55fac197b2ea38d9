#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// -smp: vCPUs at start and at most, and their topology.
void AddSmp(const Context& context, CommandLine* out);
// -object iothread, and main-loop when its pool is set.
void AddIoThreads(const Context& context, CommandLine* out);
// -object memory-backend-* and -numa for each guest cell, then distances and the memory hierarchy.
void AddNuma(const Context& context, CommandLine* out);

// Does the guest see heterogeneous memory attributes?
bool HasHmat(const model::DomainDef& def);

}  // namespace bv::qemu
