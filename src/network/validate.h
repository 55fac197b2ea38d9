#pragma once

#include "model/network.h"
#include "network/network.h"

namespace bv::network {

// What the language allows and this driver refuses. Looks at PCI devices in /sys.
void CheckDefinition(const model::NetworkDef& def);

// Gives a bridge of our own what its definition leaves open: a name that no interface and no network of `list` has,
// and an address. kInternalError where the name that it asks for is another network's.
void CompleteBridge(model::NetworkDef& def, const NetworkList& list);

// The range of ports that a network with address translation has for want of another, which only live XML shows.
void CompleteLive(model::NetworkDef& def);

}  // namespace bv::network
