#pragma once

#include <memory>
#include <vector>

#include "base/task.h"
#include "model/domain/domain.h"
#include "qemu/device_claims.h"
#include "qemu/ownership.h"

namespace bv {
struct QemuConfig;
}

// Devices of the host that guests are given: which those of a definition are, and what a guest's having them takes.
namespace bv::qemu {

// Those that stand in a definition as such, and those behind its interfaces.
std::vector<model::Hostdev*> HostdevsOf(model::DomainDef& def);
std::vector<const model::Hostdev*> HostdevsOf(const model::DomainDef& def);

// Which device it is, where the definition says that by its kind: a USB device gets its address, or is missing where it may be.
// Throws, with domain kNone, kInternalError when there is none, kOperationFailed for more than one, kDeviceMissing.
Task<> ResolveHostdev(model::Hostdev& hostdev);

// What only one guest may have. Without the groups.
std::vector<AssignedDevice> AssignedDevices(const model::DomainDef& def);
std::vector<AssignedDevice> AssignedDevices(const model::Hostdev& hostdev);

// Their files, which belong to QEMU while it has the devices.
std::vector<OwnedFile> OwnedFiles(const model::Hostdev& hostdev);
std::vector<OwnedFile> HostdevFiles(const model::DomainDef& def);

// Makes them the guest's: nobody else has them from then on. Throws what DeviceClaims::Claim() does.
Task<> ClaimDevices(std::vector<AssignedDevice> devices, DeviceClaims::Owner owner);
// Those of PCI that are managed change to VFIO's driver; all or none. Throws kOperationInvalid (domain kNone) for one that is not
// managed and has another driver, and what PciFunction throws.
Task<> DetachFromHost(std::vector<AssignedDevice> devices);
// Back to the host's drivers. Blocks; what fails is logged.
void ReattachToHost(const std::vector<AssignedDevice>& devices);

}  // namespace bv::qemu
