#pragma once

#include <string>

namespace bv::host {

struct PciNames {
  std::string vendor, device;  // empty: not known
};

// What the system's list calls a PCI device. Reads a file of a megabyte.
PciNames FindPciNames(unsigned vendor, unsigned device, const std::string& list = "/usr/share/misc/pci.ids");

}  // namespace bv::host
