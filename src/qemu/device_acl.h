#pragma once

#include <string>
#include <vector>

namespace bv {
struct QemuConfig;
}
namespace bv::model {
struct DomainDef;
struct Hostdev;
}

namespace bv::qemu {

class Cgroup;

// Which of the host's devices a guest may open: those that its definition names, and cgroup_device_acl of
// qemu.conf. Only version 1 of the control groups can be told so by files; elsewhere nothing happens.

struct DeviceNode {
  std::string path;
  bool writable = true;
  bool operator==(const DeviceNode&) const = default;
};

// What the definition names; a path that is no device is left out when it is looked at.
std::vector<DeviceNode> DeviceNodes(const model::DomainDef& def);

// Of one device that is assigned. Looks for its group of VFIO, which is there once the device is in VFIO's hands.
std::vector<DeviceNode> NodesOf(const model::Hostdev& hostdev);

// These look at the paths, so they are for the pool.
// For a group in which nothing runs yet. A host that does not let us confine guests runs them unconfined.
void ConfineDevices(const Cgroup& cgroup, const QemuConfig& config, const std::vector<DeviceNode>& nodes);
void AllowDevices(const Cgroup& cgroup, const std::vector<DeviceNode>& nodes);
// Takes back what is in `before` and not in `after`.
void DenyDevices(const Cgroup& cgroup, const std::vector<DeviceNode>& before, const std::vector<DeviceNode>& after);

}  // namespace bv::qemu
