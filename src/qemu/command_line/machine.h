#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

void AddMachine(const Context& context, CommandLine* out);      // -machine
void AddAccelerator(const Context& context, CommandLine* out);  // -accel
void AddTseg(const Context& context, CommandLine* out);         // -global mch.extended-tseg-mbytes

}  // namespace bv::qemu
