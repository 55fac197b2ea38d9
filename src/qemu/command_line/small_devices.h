#pragma once

#include <optional>
#include <vector>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// Devices that are a handful of properties each. What is described here is added to a running guest
// in the same way: objects first, then the device.

struct DeviceParts {
  std::vector<Props> objects;
  std::optional<Props> device;  // null: the board has it already
};

DeviceParts DescribeInput(const model::Input& input, const Context& context);
DeviceParts DescribeRng(const model::Rng& rng, const Context& context);
DeviceParts DescribeShmem(const model::Shmem& shmem, const Context& context);
DeviceParts DescribeMemoryDevice(const model::MemoryDevice& memory, const Context& context);
Props DescribeWatchdog(const model::Watchdog& watchdog, const Context& context);
Props DescribeMemballoon(const model::Memballoon& balloon, const Context& context);
// `fd` names an open /dev/vhost-vsock.
Props DescribeVsock(const model::Vsock& vsock, const std::string& fd, const Context& context);
Props DescribeRedirdev(const model::Redirdev& redirdev, const Context& context);

// Each of these once, for the command line or for a guest that runs.
void AddInput(const model::Input& input, const Context& context, CommandLine* out);
void AddWatchdog(const model::Watchdog& watchdog, const Context& context, CommandLine* out);
void AddRng(const model::Rng& rng, const Context& context, CommandLine* out);
void AddShmem(const model::Shmem& shmem, const Context& context, CommandLine* out);
void AddVsock(const model::Vsock& vsock, const Context& context, CommandLine* out);
void AddRedirdev(const model::Redirdev& redirdev, const Context& context, CommandLine* out);
void AddMemoryDevice(const model::MemoryDevice& memory, const Context& context, CommandLine* out);

void AddInputs(const Context& context, CommandLine* out);
void AddWatchdogs(const Context& context, CommandLine* out);
void AddMemballoon(const Context& context, CommandLine* out);
void AddRngs(const Context& context, CommandLine* out);
void AddPanics(const Context& context, CommandLine* out);
void AddShmems(const Context& context, CommandLine* out);
void AddVsock(const Context& context, CommandLine* out);
void AddIommu(const Context& context, CommandLine* out);
void AddNvramDevice(const Context& context, CommandLine* out);
void AddRedirdevs(const Context& context, CommandLine* out);
void AddMemoryDevices(const Context& context, CommandLine* out);
void AddVmcoreinfo(const Context& context, CommandLine* out);
void AddSmartcards(const Context& context, CommandLine* out);
void AddTpms(const Context& context, CommandLine* out);
void AddLaunchSecurity(const Context& context, CommandLine* out);

}  // namespace bv::qemu
