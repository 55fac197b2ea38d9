#pragma once

#include <cstddef>
#include <string>

#include "host/device_files.h"

namespace bv::host {

// The configuration space of a PCI device, of which only root may see more than the first 64 bytes. What cannot be
// read is 0.
class PciConfig {
 public:
  // `directory` is the device's.
  PciConfig(const DeviceFiles& files, const std::string& directory);

  unsigned Byte(std::size_t at) const { return at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : 0; }
  unsigned Word(std::size_t at) const { return Byte(at) | Byte(at + 1) << 8; }
  unsigned Long(std::size_t at) const { return Word(at) | Word(at + 2) << 16; }
  // Only PCI Express has more than 256 bytes, though some such devices do not say so in their capabilities.
  bool IsExtended() const { return bytes_.size() > 256; }
  // Where a capability is; 0 when it has none of the kind.
  unsigned Capability(unsigned id) const;

  static constexpr unsigned kExpress = 0x10, kAdvancedFeatures = 0x13;

 private:
  std::string bytes_;
};

}  // namespace bv::host
