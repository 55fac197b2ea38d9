#pragma once

#include "base/fd.h"
#include "model/domain/simple_devices.h"

namespace bv::qemu {

// The host's side of a guest's vsock, with a context id of its own: the one that is wanted, or the first that
// is free, which is noted. Throws kConfigUnsupported where the kernel has none, kSystemError for an id in use.
Fd OpenVsock(model::Vsock& vsock);

}  // namespace bv::qemu
