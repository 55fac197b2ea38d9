#include "host/pci_config.h"

#include "base/error.h"
#include "base/files.h"

namespace bv::host {

PciConfig::PciConfig(const DeviceFiles& files, const std::string& directory) {
  try {
    bytes_ = ReadFileIfExists(files.root() + directory + "/config").value_or("");
  } catch (const Error&) {
    // One that does not answer.
  }
}

unsigned PciConfig::Capability(unsigned id) const {
  constexpr unsigned kHasCapabilities = 0x10;
  if (!(Word(6) & kHasCapabilities)) return 0;
  unsigned at = Byte(0x34);
  // The chain is the device's word, and may be a circle.
  for (int steps = 0; at >= 0x40 && at != 0xff && steps < 64; ++steps, at = Byte(at + 1)) {
    if (Byte(at) == id) return at;
  }
  return 0;
}

}  // namespace bv::host
