#pragma once

#include <string>
#include <utility>
#include <vector>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// Flash chips with the firmware and its variables: -blockdev of each.
void AddFlashNodes(const Context& context, CommandLine* out);
// "pflash0" and "pflash1" with the nodes that the machine is told to use for them.
std::vector<std::pair<std::string, std::string>> FlashChips(const model::DomainDef& def);
// -bios, or the switch that locks flash to SMM.
void AddLoader(const Context& context, CommandLine* out);

}  // namespace bv::qemu
