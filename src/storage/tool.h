#pragma once

#include <string>
#include <vector>

#include "base/command.h"
#include "base/task.h"

namespace bv::storage {

// Programs that work on storage. They speak English whatever the daemon does.

// Its output. Throws kInternalError (domain kNone) with what the program said when it fails.
Task<std::string> RunTool(Command command);
Task<std::string> RunTool(std::vector<std::string> argv);

// Waits until udev has made the links of devices that have just come, if there is udev.
Task<> SettleDevices();

}  // namespace bv::storage
