// Interfaces of a made-up host: which are listed, and what each is told to be. What libvirt says of the same files is
// what these tests expect.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "interface/host_interfaces.h"

namespace bv::interface {
namespace {

class HostInterfaces : public testing::Test {
 protected:
  HostInterfaces() { root_ = mkdtemp(name_); }
  ~HostInterfaces() override { RemoveTree(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::string file = root_ + path;
    MakeDirs(file.substr(0, file.rfind('/')));
    WriteFileAtomic(file, text + "\n");
  }
  using Files = std::vector<std::pair<std::string, std::string>>;
  void Add(const std::string& place, const std::string& name, const Files& files = {}) {
    std::string directory = "/sys/devices/" + place + "/net/" + name + "/";
    Write(directory + "uevent", "INTERFACE=" + name);
    Write(directory + "address", "02:00:00:00:00:01");
    Write(directory + "operstate", "down");
    Write(directory + "mtu", "1500");
    for (auto& [file, text] : files) Write(directory + file, text);
    MakeDirs(root_ + "/sys/class/net");
    ASSERT_EQ(symlink(("../../devices/" + place + "/net/" + name).c_str(), (root_ + "/sys/class/net/" + name).c_str()), 0);
  }
  std::string Xml(const std::string& name) { return model::FormatHostInterface(ReadInterface(files_(), name)); }
  std::string Fault(const std::string& name) {
    try {
      Xml(name);
    } catch (const Error& error) {
      return error.message;
    }
    return "";
  }
  host::DeviceFiles files_() const { return host::DeviceFiles(root_); }

  char name_[32] = "/tmp/bv_interfaces_XXXXXX";
  std::string root_;
};

constexpr char kBridge[] = "uevent";

TEST_F(HostInterfaces, ListsByPlaceAndLeavesOutPorts) {
  Add("virtual", "lo", {{"operstate", "unknown"}});
  Add("pci0", "zeth", {{"operstate", "up"}});
  Add("virtual", "tap0", {{"tun_flags", "0x1002"}});
  Add("virtual", "port", {{"brport/state", "3"}});
  Write("/sys/class/net/bonding_masters", "");  // a file, not an interface
  std::vector<std::string> names;
  for (auto& link : ReadLinks(files_())) names.push_back(link.name + (link.active() ? "+" : "-"));
  EXPECT_EQ(names, (std::vector<std::string>{"zeth+", "lo-"}));
  EXPECT_EQ(ReadLink(files_(), "tap0").state, "down");
  for (const char* bad : {"", ".", "..", "no", "../net/lo"}) EXPECT_THROW(ReadLink(files_(), bad), Error) << bad;
}

TEST_F(HostInterfaces, TellsSpeedsOnlyOfLinksThatAreUp) {
  Add("virtual", "a", {{"operstate", "up"}, {"speed", "10000"}});
  Add("virtual", "b", {{"speed", "65535"}});
  Add("virtual", "c", {{"operstate", "up"}, {"speed", "-1"}});
  EXPECT_NE(Xml("a").find("<link speed='10000' state='up'/>"), std::string::npos);
  EXPECT_NE(Xml("b").find("<link state='down'/>"), std::string::npos);
  EXPECT_NE(Xml("c").find("<link speed='4294967295' state='up'/>"), std::string::npos);
}

TEST_F(HostInterfaces, ReadsABridgeWithItsPorts) {
  Add("virtual", "br0", {{kBridge, "DEVTYPE=bridge"}, {"bridge/forward_delay", "200"}, {"bridge/stp_state", "1"}});
  Add("virtual", "e0", {{"brport/state", "3"}});
  for (const char* port : {"e0", "vnet7"}) Write(std::string("/sys/devices/virtual/net/br0/brif/") + port + "/x", "");
  EXPECT_EQ(Xml("br0"),
            "<interface type='bridge' name='br0'>\n  <mtu size='1500'/>\n  <bridge stp='on' delay='200'>\n"
            "    <interface type='ethernet' name='e0'>\n      <link state='down'/>\n      <mac address='02:00:00:00:00:01'/>\n"
            "    </interface>\n  </bridge>\n</interface>\n");
  EXPECT_EQ(model::FormatHostInterface(model::ParseHostInterface(Xml("br0"))), Xml("br0"));
  Write("/sys/devices/virtual/net/br0/bridge/stp_state", "2");
  EXPECT_EQ(Fault("br0"), "internal error: Invalid STP state value 2 received for 'br0'. Must be -1, 0, or 1.");
  Write("/sys/devices/virtual/net/br0/bridge/stp_state", "0");
  Write("/sys/devices/virtual/net/br0/brif/gone/x", "");
  EXPECT_EQ(Fault("br0"), "internal error: Could not get interface information for 'gone', which is a member of bridge 'br0'");
}

TEST_F(HostInterfaces, ReadsABondByItsMonitor) {
  Files bond = {{"bonding/mode", "active-backup 1"}, {"bonding/miimon", "100"},      {"bonding/updelay", "200"},
                {"bonding/downdelay", "0"},          {"bonding/arp_interval", "0"},   {"bonding/arp_validate", "none 0"},
                {"bonding/use_carrier", "1"},        {"bonding/arp_ip_target", ""}};
  Add("virtual", "bond0", bond);
  Add("virtual", "s1");
  Write("/sys/devices/virtual/net/bond0/slave_s1/x", "");
  EXPECT_NE(Xml("bond0").find("  <bond mode='active-backup'>\n    <miimon freq='100' updelay='200' carrier='netif'/>\n"
                              "    <interface type='ethernet' name='s1'>\n"),
            std::string::npos)
      << Xml("bond0");
  Write("/sys/devices/virtual/net/bond0/bonding/arp_interval", "50");
  Write("/sys/devices/virtual/net/bond0/bonding/arp_ip_target", "10.0.0.1");
  Write("/sys/devices/virtual/net/bond0/bonding/arp_validate", "all 3");
  EXPECT_NE(Xml("bond0").find("<arpmon interval='50' target='10.0.0.1' validate='all'/>"), std::string::npos);
  Write("/sys/devices/virtual/net/bond0/bonding/mode", "odd");
  EXPECT_EQ(Fault("bond0"), "internal error: Invalid format for 'bonding/mode' for 'bond0'");
}

TEST_F(HostInterfaces, ReadsAVlan) {
  Add("virtual", "v", {{"uevent", "DEVTYPE=vlan"}});
  EXPECT_NE(Fault("v").find("Failed to open file '/proc/net/vlan/v'"), std::string::npos);
  Write("/proc/net/vlan/v", "v  VID: 42\t REORDER_HDR: 1  dev->priv_flags: 1021\nDevice: eth0\n");
  EXPECT_NE(Xml("v").find("  <vlan tag='42'>\n    <interface name='eth0'/>\n  </vlan>\n"), std::string::npos) << Xml("v");
}

}  // namespace
}  // namespace bv::interface
