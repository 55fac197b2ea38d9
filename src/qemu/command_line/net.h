#pragma once

#include "qemu/command_line/context.h"

namespace bv::qemu {

// An interface's host side ("-netdev"), whose id is "host" + alias, and its card.
Props DescribeNetdev(const model::Interface& net, const Context& context, CommandLine* out);
Props DescribeNetCard(const model::Interface& net, const Context& context);

void AddInterface(const model::Interface& net, const Context& context, CommandLine* out);
void AddInterfaces(const Context& context, CommandLine* out);

}  // namespace bv::qemu
