#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// What each device asks of a PCI bus (PciConnect bits); 0: it is not a PCI device. `board` says whether
// the guest has PCIe; endpoints that can be either are PCIe there.
struct PciBoard {
  bool pcie = false;
  unsigned pci_device() const;
  unsigned pcie_device() const;
};

unsigned PciConnectOf(const model::Controller&, PciBoard board);
unsigned PciConnectOf(const model::Disk&, PciBoard board);
unsigned PciConnectOf(const model::Filesystem&, PciBoard board);
unsigned PciConnectOf(const model::Interface&, PciBoard board);
unsigned PciConnectOf(const model::Sound&, PciBoard board);
unsigned PciConnectOf(const model::Hostdev&, const model::DeviceInfo& info, PciBoard board);
unsigned PciConnectOf(const model::Memballoon&, PciBoard board);
unsigned PciConnectOf(const model::Rng&, PciBoard board);
unsigned PciConnectOf(const model::Watchdog&, PciBoard board);
unsigned PciConnectOf(const model::Video&, PciBoard board);
unsigned PciConnectOf(const model::Shmem&, PciBoard board);
unsigned PciConnectOf(const model::Input&, PciBoard board);
unsigned PciConnectOf(const model::Chardev&, PciBoard board);
unsigned PciConnectOf(const model::Vsock&, PciBoard board);
unsigned PciConnectOf(const model::Iommu&, PciBoard board);
unsigned PciConnectOf(const model::Crypto&, PciBoard board);
unsigned PciConnectOf(const model::MemoryDevice&, PciBoard board);

}  // namespace bv::qemu
