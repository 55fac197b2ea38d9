#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/device_files.h"

namespace bv::host {

// A USB device of the host, by where it is plugged in and by what it is.
struct UsbDevice {
  unsigned bus = 0, device = 0;
  unsigned vendor = 0, product = 0;
};

// Those that there are now, in the order of bus and device. Blocks; throws kSystemError (domain kNone) where the kernel has none.
std::vector<UsbDevice> UsbDevices(const DeviceFiles& files);

}  // namespace bv::host
