#pragma once

#include "base/uuid.h"

namespace bv::host {

// How clients tell this host from others: what the configuration sets (host_uuid), else the firmware's
// UUID, else one made up for as long as this process lives.
Uuid HostUuid();
// Before the first HostUuid().
void SetHostUuid(const Uuid& uuid);

}  // namespace bv::host
