// Names of PCI devices are found under their vendor, and nobody else's.
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/files.h"
#include "host/pci_ids.h"

namespace bv::host {
namespace {

TEST(PciIds, FindsADeviceOfItsVendor) {
  std::string list = testing::TempDir() + "bv_pci_ids." + std::to_string(getpid());
  WriteFileAtomic(list,
                  "# 0010  no vendor\n0010  First\n\t0001  One\n0e11  Second & Co\n\t0001  Another\n\t\t0e11 0002  Part\n"
                  "# between\n\t0002  Two\nC 0e  A class\n\t0001  Of it");
  auto names = [&](unsigned vendor, unsigned device) {
    PciNames found = FindPciNames(vendor, device, list);
    return found.vendor + ": " + found.device;
  };
  EXPECT_EQ(names(0x0010, 0x0001), "First: One");
  EXPECT_EQ(names(0x0010, 0x0002), "First: ");
  EXPECT_EQ(names(0x0e11, 0x0001), "Second & Co: Another");
  EXPECT_EQ(names(0x0e11, 0x0002), "Second & Co: Two");
  EXPECT_EQ(names(0x0001, 0x0001), ": ");
  unlink(list.c_str());
  EXPECT_EQ(names(0x0010, 0x0001), ": ");
}

}  // namespace
}  // namespace bv::host
