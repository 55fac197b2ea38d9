#pragma once

#include "base/task.h"
#include "model/domain/interface.h"

namespace bv::qemu {

// Whether what an interface is connected to, now that this is known, can do what its definition says. Throws kConfigUnsupported,
// in the domains that libvirt uses.
Task<> CheckConnection(const model::Interface& net);

}  // namespace bv::qemu
