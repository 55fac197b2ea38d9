#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/host_capabilities.h"
#include "qemu/capabilities.h"

namespace bv::qemu {

// An emulator that was found for guests of an architecture.
struct GuestEmulator {
  std::string_view arch;
  std::shared_ptr<const QemuCaps> caps;  // the basics are enough
};

// The document that CONNECT_GET_CAPABILITIES answers with.
std::string FormatCapabilities(const host::HostDescription& host, const host::KernelFiles& files,
                               std::span<const GuestEmulator> emulators);

}  // namespace bv::qemu
