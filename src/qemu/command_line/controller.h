#pragma once

#include <optional>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// The device that a controller is; nullopt for one that the board brings along. Throws
// kConfigUnsupported for a model that QEMU does not have.
std::optional<Props> DescribeController(const model::Controller& controller, const Context& context);

// Settings of the board's own host bridges, by -global.
void AddHostBridges(const Context& context, CommandLine* out);
// Controllers other than CCID's and floppies', those that others sit on first.
void AddControllers(const Context& context, CommandLine* out);
void AddCcidControllers(const Context& context, CommandLine* out);
void AddHubs(const Context& context, CommandLine* out);

}  // namespace bv::qemu
