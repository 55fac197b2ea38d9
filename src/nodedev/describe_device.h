#pragma once

#include <optional>
#include <string>

#include "model/node_device.h"
#include "nodedev/udev_device.h"

namespace bv::nodedev {

// What a device is, without its parent; nullopt for one that clients are not told of: of another kind, gone, or such
// that something that its kind must have cannot be read. `full` is with what only its XML says and costs more.
std::optional<model::NodeDevice> Describe(const UdevDevice& device, bool full);

// The root of the tree, which is no device of the kernel's: the machine.
inline constexpr char kComputer[] = "computer";
model::NodeDevice DescribeComputer(const host::DeviceFiles& files, const Uuid& host);

// "net" and "eth0" to "net_eth0": what is neither letter nor digit becomes '_'.
std::string NameOf(std::string_view subsystem, std::string_view name, std::string_view more = {});

}  // namespace bv::nodedev
