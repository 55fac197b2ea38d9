#pragma once

#include <string>

#include "base/task.h"
#include "model/net_common.h"

// Limits to the traffic of network interfaces of the host, set by tc. Failures throw kInternalError (domain kNone) with tc's
// words; what was set before is gone by then.
namespace bv::host {

// Takes all limits away that there may be.
Task<> Unshape(std::string interface);

// A network's bridge, with room for classes of guests that have guarantees.
Task<> ShapeBridge(std::string bridge, model::Bandwidth bandwidth);

// A guest's interface. What comes in for a guest goes out of the host's end of a tap, but the host's end of a macvtap is on the
// guest's side. No limits at all make it an interface without a queue, as SetNoQueue() does.
enum class HostEnd { kFacesGuest, kIsGuest };
Task<> ShapeInterface(std::string interface, model::Bandwidth bandwidth, HostEnd end);

}  // namespace bv::host
