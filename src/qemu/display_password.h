#pragma once

#include <optional>
#include <string>

#include "model/domain/graphics.h"
#include "qemu/monitor.h"

namespace bv::qemu {

// The monitor commands that set a display's password and until when it holds. `fallback` is
// qemu.conf's, for displays without one of their own.
MonitorCommand SetPasswordCommand(const model::Graphics& graphics, const std::optional<std::string>& fallback);
MonitorCommand ExpirePasswordCommand(const model::Graphics& graphics);

}  // namespace bv::qemu
