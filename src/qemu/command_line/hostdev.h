#pragma once

#include <optional>
#include <vector>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// A host device with what must be made before it. Throws kInternalError for a PCI device without a
// chosen back end, kSystemError for a SCSI device that is not there.
struct HostdevParts {
  std::vector<Props> objects, nodes;
  std::optional<Props> device;  // null: kept from the host, but not given to the guest
};
// `info` is the device's own, or that of the interface which it is.
HostdevParts DescribeHostdev(const model::Hostdev& hostdev, const model::DeviceInfo& info, const Context& context);

void AddHostdev(const model::Hostdev& hostdev, const model::DeviceInfo& info, const Context& context, CommandLine* out);
// Passed-through interfaces and host devices.
void AddHostdevs(const Context& context, CommandLine* out);

}  // namespace bv::qemu
