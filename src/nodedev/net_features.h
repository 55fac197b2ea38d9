#pragma once

#include <string>
#include <vector>

#include "host/device_files.h"

namespace bv::nodedev {

// What a network interface takes off the processor ("rx", "tso"), and that it is one of RDMA's, in libvirt's order.
std::vector<std::string> NetFeatures(const host::DeviceFiles& files, const std::string& interface);

}  // namespace bv::nodedev
