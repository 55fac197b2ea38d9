#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "base/uuid.h"
#include "model/domain/domain.h"

namespace bv::qemu {

// A place in a network that an interface of a guest has.
struct NetworkPort {
  std::string network;
  Uuid port;
};

// Gets the interface a place in its network, if it is of that kind and has none: `net.actual` says then what it is
// really connected to. Throws what the network driver does, and kConfigUnsupported for kinds of places that QEMU is
// not started with.
Task<> ClaimNetworkPort(std::string domain, Uuid domain_uuid, model::Interface& net);
// Gives them back; what fails is logged.
Task<> ReleaseNetworkPorts(std::vector<NetworkPort> ports);

std::vector<NetworkPort> NetworkPortsOf(const model::DomainDef& def);

}  // namespace bv::qemu
