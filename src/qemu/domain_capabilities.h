#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qemu/capabilities.h"
#include "qemu/command_line/firmware_select.h"

namespace bv::qemu {

// What of the host domain capabilities depend on.
struct HostAbilities {
  unsigned kvm_max_vcpus = 0;   // 0: not known
  bool vfio = false;            // an IOMMU and /dev/vfio
  bool swtpm = false;           // the TPM emulator is installed
  FirmwareChoice firmware;
};

// The document that CONNECT_GET_DOMAIN_CAPABILITIES answers with. `caps` has CPU data of `accelerator`
// and knows `machine`; `arch` is the guest's.
std::string FormatDomainCapabilities(const QemuCaps& caps, const MachineType& machine, std::string_view arch,
                                     Accelerator accelerator, const HostAbilities& host);

}  // namespace bv::qemu
