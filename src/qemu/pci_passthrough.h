#pragma once

#include "base/task.h"
#include "model/domain/hostdev.h"

namespace bv::qemu {

// Whether this host can hand out PCI devices: by VFIO, behind an IOMMU.
Task<bool> CanPassPciDevices();

// Has the kernel's driver ready that hands out devices. Throws kInternalError (domain kNone).
Task<> LoadVfio();

// Has a PCI device handed out by VFIO where its definition leaves that open. Throws kConfigUnsupported (domain kQemu)
// where this host cannot hand out the device as it says. Others are left alone.
Task<> ChoosePciBackend(model::Hostdev& device);

}  // namespace bv::qemu
