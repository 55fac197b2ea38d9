#pragma once

#include <optional>

namespace bv::host {

// What /dev/kvm says; nullopt when it cannot be used. Opens the device, which does not block.
std::optional<unsigned> KvmMaxVcpus();

}  // namespace bv::host
