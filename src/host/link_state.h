#pragma once

#include <string>

#include "host/kernel_files.h"
#include "model/host_interface.h"

namespace bv::host {

// Whether a network interface has a link, and how fast that is. Throws kSystemError and kInternalError (domain kNone).
model::HostLink ReadLinkState(const KernelFiles& files, const std::string& interface);

}  // namespace bv::host
