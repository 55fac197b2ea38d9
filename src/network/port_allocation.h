#pragma once

#include "model/network.h"
#include "model/network_port.h"

namespace bv::network {

// Gives `port` what a network that runs has for it: a bridge, or a device of its pool that is free, and of the rest
// what its group and the network say where it says nothing itself. Counts its connection. Throws with domain kNetwork
// and changes nothing then.
void AllocatePort(model::NetworkDef& network, model::NetworkPortDef& port);
// The same for a port that says which device it has.
void ClaimPort(model::NetworkDef& network, const model::NetworkPortDef& port);
void ReleasePort(model::NetworkDef& network, const model::NetworkPortDef& port);

}  // namespace bv::network
