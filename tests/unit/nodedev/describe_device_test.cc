// Devices of a made-up host: which are told of, by what name, and what XML says of them. What libvirt says of the same
// files is what these tests expect.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "nodedev/describe_device.h"

namespace bv::nodedev {
namespace {

class DescribeDevice : public testing::Test {
 protected:
  DescribeDevice() { root_ = mkdtemp(name_); }
  ~DescribeDevice() override { RemoveTree(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::string file = root_ + path;
    MakeDirs(file.substr(0, file.rfind('/')));
    WriteFileAtomic(file, text);
  }
  void Link(const std::string& path, const std::string& target) {
    std::string file = root_ + path;
    MakeDirs(file.substr(0, file.rfind('/')));
    ASSERT_EQ(symlink(target.c_str(), file.c_str()), 0);
  }
  using Files = std::vector<std::pair<std::string, std::string>>;
  // `place` is below /sys/devices.
  std::string Add(const std::string& place, const std::string& subsystem, const std::string& uevent, const Files& files = {}) {
    std::string path = "/sys/devices/" + place;
    Write(path + "/uevent", uevent);
    Link(path + "/subsystem", "../../bus/" + subsystem);
    for (auto& [file, text] : files) Write(path + "/" + file, text);
    return path;
  }
  std::optional<model::NodeDevice> Look(const std::string& path) { return Describe(UdevDevice(host::DeviceFiles(root_), path), true); }
  std::string NameAt(const std::string& path) {
    auto device = Look(path);
    return device ? device->name : "none";
  }
  std::string XmlAt(const std::string& path) { return model::FormatNodeDevice(*Look(path)); }

  char name_[32] = "/tmp/bv_nodedev_XXXXXX";
  std::string root_;
};

TEST_F(DescribeDevice, NamesDisksByWhatUdevFound) {
  Files disk = {{"size", "16\n"}, {"queue/logical_block_size", "512\n"}, {"device/model", "Model  \n"}};
  std::string path = Add("block/sda", "block", "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n", disk);
  EXPECT_EQ(NameAt(path), "none");  // without udev nobody says what it is
  Write("/run/udev/data/b8:0", "S:disk/b\nS:a\nE:ID_TYPE=disk\nE:ID_SERIAL=A-1\nE:ID_BUS=ata\n");
  EXPECT_EQ(XmlAt(path),
            "<device>\n  <name>block_sda_A_1</name>\n  <path>/sys/devices/block/sda</path>\n  <devnode type='dev'>/dev/sda</devnode>\n"
            "  <devnode type='link'>/dev/a</devnode>\n  <devnode type='link'>/dev/disk/b</devnode>\n"
            "  <capability type='storage'>\n    <block>/dev/sda</block>\n    <bus>ata</bus>\n    <drive_type>disk</drive_type>\n"
            "    <model>Model</model>\n    <serial>A-1</serial>\n    <size>8192</size>\n"
            "    <logical_block_size>512</logical_block_size>\n    <num_blocks>16</num_blocks>\n  </capability>\n</device>\n");
  EXPECT_EQ(NameAt(Add("block/vda", "block", "DEVNAME=vda\nDEVTYPE=disk\n", disk)), "block_vda");
  EXPECT_EQ(NameAt(Add("block/loop0", "block", "DEVNAME=loop0\nDEVTYPE=disk\n", disk)), "none");
  EXPECT_EQ(NameAt(Add("block/sda1", "block", "DEVNAME=sda1\nDEVTYPE=partition\n", disk)), "none");
}

TEST_F(DescribeDevice, TellsOfMediaThatCanBeTakenOut) {
  Files drive = {{"size", "8\n"}, {"queue/logical_block_size", "2048\n"}, {"removable", "1\n"}};
  std::string path = Add("sr0", "block", "MAJOR=11\nMINOR=0\nDEVNAME=sr0\nDEVTYPE=disk\n", drive);
  Write("/run/udev/data/b11:0", "E:ID_TYPE=cd\n");
  EXPECT_NE(XmlAt(path).find("      <media_available>0</media_available>\n      <media_size>0</media_size>\n    </capability>"), std::string::npos);
  Write("/run/udev/data/b11:0", "E:ID_TYPE=cd\nE:ID_CDROM_MEDIA=1\nE:ID_FS_LABEL=L\n");
  EXPECT_NE(XmlAt(path).find("<media_size>16384</media_size>\n      <media_label>L</media_label>"), std::string::npos);
}

TEST_F(DescribeDevice, ReadsPciConfiguration) {
  std::string config(256, '\0');
  config[6] = 0x10, config[0xe] = '\x81', config[0x34] = 0x40;
  config[0x40] = 1, config[0x41] = 0x50;                            // power, then
  config[0x50] = 0x10, config[0x52] = 0x42;                         // PCI Express, a root port
  config[0x5c] = '\x83', config[0x5f] = 1;                          // port 1, width 8, speed 3
  config[0x62] = 0x42;                                              // now width 4, speed 2
  Files pci = {{"vendor", "0x8086\n"}, {"device", "0x0001\n"}, {"numa_node", "-1\n"}, {"config", config}, {"sriov_totalvfs", "7\n"}};
  std::string path = Add("pci0000:00/0000:00:1f.3", "pci", "PCI_CLASS=60400\n", pci);
  Link("/sys/devices/pci0000:00/0000:00:1f.3/virtfn0", "../0000:02:10.1");
  Link("/sys/devices/pci0000:00/0000:00:1f.3/driver", "../../../bus/pci/drivers/pcieport");
  std::string xml = XmlAt(path);
  EXPECT_NE(xml.find("<name>pci_0000_00_1f_3</name>"), std::string::npos);
  EXPECT_NE(xml.find("  <driver>\n    <name>pcieport</name>\n  </driver>\n  <capability type='pci'>\n    <class>0x060400</class>\n"
                     "    <domain>0</domain>\n    <bus>0</bus>\n    <slot>31</slot>\n    <function>3</function>\n"),
            std::string::npos)
      << xml;
  EXPECT_NE(xml.find("    <capability type='virt_functions' maxCount='7'>\n"
                     "      <address domain='0x0000' bus='0x02' slot='0x10' function='0x1'/>\n    </capability>\n"),
            std::string::npos)
      << xml;
  EXPECT_EQ(xml.find("numa"), std::string::npos);
  if (geteuid() != 0) return;
  EXPECT_NE(xml.find("    <capability type='pci-bridge'/>\n"), std::string::npos);
  EXPECT_NE(xml.find("    <pci-express>\n      <link validity='cap' port='1' speed='8' width='8'/>\n"
                     "      <link validity='sta' speed='5' width='4'/>\n    </pci-express>\n"),
            std::string::npos)
      << xml;
  config[0x51] = 0x40, config[0x50] = 5;  // capabilities in a circle end too
  Write(path + "/config", config);
  EXPECT_EQ(XmlAt(path).find("pci-express"), std::string::npos);
}

TEST_F(DescribeDevice, KnowsUsbDevicesWithoutUdev) {
  std::string path = Add("usb1/1-4", "usb", "MAJOR=189\nMINOR=1\nDEVNAME=bus/usb/001/002\nDEVTYPE=usb_device\nBUSNUM=001\nDEVNUM=002\n",
                         {{"idVendor", "046d\n"}, {"idProduct", "c52b\n"}, {"product", "USB\x07 Receiver\n"}});
  EXPECT_NE(XmlAt(path).find("<bus>1</bus>\n    <device>2</device>\n    <product id='0xc52b'>USB Receiver</product>\n    <vendor id='0x046d'/>"),
            std::string::npos)
      << XmlAt(path);
  EXPECT_EQ(NameAt(path), "usb_1_4");
}

TEST_F(DescribeDevice, NamesInterfacesByTheirAddresses) {
  Files link = {{"address", "02:00:00:00:00:01\n"}};
  Write("/sys/class/net/bv-none/operstate", "down\n");
  EXPECT_EQ(NameAt(Add("net/bv-none", "net", "INTERFACE=bv-none\n", link)), "net_bv_none_02_00_00_00_00_01");
  EXPECT_EQ(NameAt(Add("net/br0", "net", "INTERFACE=br0\nDEVTYPE=bridge\n", link)), "none");
}

TEST_F(DescribeDevice, FindsEachDeviceOnce) {
  std::string a = Add("b", "block", ""), b = Add("pci/a", "pci", "");
  Link("/sys/class/block/b", "../../devices/b");
  Link("/sys/bus/pci/devices/a", "../../../devices/pci/a");
  Link("/sys/class/net/a", "../../devices/pci/a");
  Link("/sys/class/tty/t", "../../devices/t");
  Write("/sys/class/net/bonding_masters", "");
  EXPECT_EQ(FindDevices(host::DeviceFiles(root_)), (std::vector<std::string>{a, b}));
}

}  // namespace
}  // namespace bv::nodedev
