#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/device_files.h"
#include "model/host_interface.h"

// The network interfaces of the host, read from the kernel. All of it blocks: from a handler through Offload().
namespace bv::interface {

struct Link {
  std::string name;
  std::optional<std::string> mac;  // empty for a kind without addresses
  std::string state;               // "up", "down", "unknown" ...

  bool active() const { return state == "up"; }
};

// In the order of their places among the kernel's devices. Left out are ports of bridges, which are part of theirs,
// and what programs made for themselves (tun).
std::vector<Link> ReadLinks(const host::DeviceFiles& files);

// Any interface. Throws kNoInterface.
Link ReadLink(const host::DeviceFiles& files, const std::string& name);

// With the members of a bridge or a bond. Throws kNoInterface, and kInternalError where the kernel makes no sense.
model::HostInterface ReadInterface(const host::DeviceFiles& files, const std::string& name);

}  // namespace bv::interface
