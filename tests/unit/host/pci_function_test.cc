// A PCI device goes from its driver to another and back: what the kernel is told to do, and what is taken back when
// it will not.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "host/pci_config.h"
#include "host/pci_function.h"

namespace bv::host {
namespace {

class PciFunctionTest : public testing::Test {
 protected:
  PciFunctionTest() : root_(mkdtemp(name_)), files_(root_), device_(files_, "0000:01:00.0") {
    Make(kDevice + "driver_override");
    Make(kProbe);
    for (const char* driver : {"nic", "vfio-pci"}) Make(std::string("/sys/bus/pci/drivers/") + driver + "/unbind");
    Bind("nic");
  }
  ~PciFunctionTest() override { RemoveTree(root_); }

  void Make(const std::string& path, const std::string& text = "") {
    std::string file = root_ + path;
    MakeDirs(file.substr(0, file.rfind('/')));
    WriteFileAtomic(file, text);
  }
  void Bind(const std::string& driver) {
    std::string link = root_ + kDevice + "driver";
    unlink(link.c_str());
    ASSERT_EQ(symlink(("../../drivers/" + driver).c_str(), link.c_str()), 0);
  }
  std::string Told(const std::string& path) { return ReadFile(root_ + path); }

  const std::string kDevice = "/sys/bus/pci/devices/0000:01:00.0/", kProbe = "/sys/bus/pci/drivers_probe";
  const std::string kUnbind = "/sys/bus/pci/drivers/nic/unbind";
  char name_[32] = "/tmp/bv_pci_XXXXXX";
  std::string root_;
  DeviceFiles files_;
  PciFunction device_;
};

TEST_F(PciFunctionTest, IsFoundByItsDevicesName) {
  EXPECT_EQ(PciFunction::FindAddress(files_, "pci_0000_01_00_0"), "0000:01:00.0");
  for (const char* other : {"pci_0000_01_00_1", "net_0000_01_00_0", "pci_", ""}) EXPECT_FALSE(PciFunction::FindAddress(files_, other));
}

TEST_F(PciFunctionTest, GoesToAnotherDriver) {
  device_.BindTo(kVfioPci);
  EXPECT_EQ(Told(kDevice + "driver_override"), "vfio-pci");
  EXPECT_EQ(Told(kUnbind), "0000:01:00.0");
  EXPECT_EQ(Told(kProbe), "0000:01:00.0");
}

TEST_F(PciFunctionTest, StaysWhereItIsWanted) {
  Bind("vfio-pci");
  device_.BindTo(kVfioPci);
  EXPECT_EQ(Told(kDevice + "driver_override"), "");
}

TEST_F(PciFunctionTest, IsLeftAloneAfterAFault) {
  ASSERT_EQ(unlink((root_ + kUnbind).c_str()), 0);
  EXPECT_THROW(device_.BindTo(kVfioPci), Error);
  EXPECT_EQ(Told(kDevice + "driver_override")[0], '\n');  // the override is taken back
  EXPECT_EQ(Told(kProbe), "");                            // and its driver never lost it
}

TEST_F(PciFunctionTest, ComesBackFromGuests) {
  Bind("vfio-pci");
  device_.BindToHost();
  EXPECT_EQ(Told(kDevice + "driver_override"), "\n");
  EXPECT_EQ(Told("/sys/bus/pci/drivers/vfio-pci/unbind"), "0000:01:00.0");
  EXPECT_EQ(Told(kProbe), "0000:01:00.0");
}

TEST_F(PciFunctionTest, IsResetUnlessItResetsItself) {
  EXPECT_THROW(device_.Reset(), Error);  // it cannot be
  Make(kDevice + "reset");
  device_.Reset();
  EXPECT_EQ(Told(kDevice + "reset"), "1");
  Make(kDevice + "reset");
  std::string config(256, '\0');
  config[6] = 0x10, config[0x34] = 0x40, config[0x40] = 0x10, config[0x47] = 0x10;  // PCI Express, with FLR
  Make(kDevice + "config", config);
  device_.Reset();
  EXPECT_EQ(Told(kDevice + "reset"), "");
}

}  // namespace
}  // namespace bv::host
