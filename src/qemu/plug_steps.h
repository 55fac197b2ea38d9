#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/task.h"
#include "qemu/command_line/context.h"
#include "qemu/device_acl.h"
#include "qemu/guests.h"

namespace bv::qemu {

// From the description of a device to a running QEMU that has it, and back.

BuildOptions OptionsFor(const Guest& guest);
// For taking away what was added: names matter then, values do not.
BuildOptions OptionsForRemoval(const Guest& guest);

using DescribeDevice = std::function<void(const Context&, CommandLine*)>;

// What QEMU was told for what `describe` describes, a device of `def`.
std::vector<PlugStep> StepsFor(const model::DomainDef& def, Guest& guest, const QemuConfig& config, const BuildOptions& options,
                               const DescribeDevice& describe);
// What it is told so that it has the device: with the values of secrets. All that is referred to must stay as long as
// the guest runs; throws kOperationInvalid when that has ended meanwhile.
Task<std::vector<PlugStep>> StepsToAdd(DomainPtr domain, const model::DomainDef& def, const QemuConfig& config, BuildOptions& options,
                                       DescribeDevice describe);

// One after another; when one fails, those before it are taken back, and its error is thrown. Returns the
// paths of pseudo terminals that came of them.
Task<std::vector<std::string>> RunSteps(Guests* guests, DomainPtr domain, std::vector<PlugStep> steps);

// What removes the traces that stay when the device of these steps has gone, in that order.
std::vector<MonitorCommand> Removal(const std::vector<PlugStep>& steps);

// AllowDevices() for a guest that runs.
Task<> AllowNodes(const Guest& guest, std::vector<DeviceNode> nodes);

}  // namespace bv::qemu
