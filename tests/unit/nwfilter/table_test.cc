#include "nwfilter/table.h"

#include <gtest/gtest.h>

namespace bv::nwfilter {
namespace {

constexpr char kBridge[] =
    "*nat\n:PREROUTING ACCEPT\n:libvirt-I-t ACCEPT\n:I-t-arp ACCEPT\n:libvirt-I-t2 ACCEPT\n"
    "-A PREROUTING -i t -j libvirt-I-t\n-A PREROUTING -i t2 -j libvirt-I-t2\n-A libvirt-I-t -p ARP -j I-t-arp\n-A I-t-arp -j DROP\n";

TEST(TableTest, FindsWhatAnInterfaceHasAndNoMore) {
  OwnedRules owned = Table(Netfilter::kEthernet, kBridge).Of("t");
  ASSERT_EQ(owned.chains.size(), 2u);
  EXPECT_EQ(owned.chains[0].name, "libvirt-I-t");
  EXPECT_EQ(owned.chains[1].name, "I-t-arp");
  ASSERT_EQ(owned.links.size(), 1u);
  EXPECT_EQ(owned.links[0].second, "-i t -j libvirt-I-t");
}

TEST(TableTest, RemovesInAnOrderThatTheKernelTakes) {
  Table table(Netfilter::kEthernet, kBridge);
  EXPECT_EQ(table.Replace(table.Of("t"), {}),
            "*nat\n-D PREROUTING -i t -j libvirt-I-t\n-F libvirt-I-t\n-F I-t-arp\n-X libvirt-I-t\n-X I-t-arp\nCOMMIT\n");
  EXPECT_EQ(table.Replace(table.Of("other"), {}), "");
}

TEST(TableTest, SharedChainsComeFirstInTheKernels) {
  OwnedRules next;
  next.chains = {{"FI-t", {"-j DROP"}}};
  next.links = {{"libvirt-in", "-m physdev --physdev-in t -g FI-t"}};
  Table fresh(Netfilter::kIpv4, "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j ACCEPT\n");
  EXPECT_EQ(fresh.Replace({}, next),
            "*filter\n:FI-t - [0:0]\n:libvirt-host-in - [0:0]\n:libvirt-in - [0:0]\n:libvirt-out - [0:0]\n:libvirt-in-post - [0:0]\n"
            "-I INPUT 1 -j libvirt-host-in\n-I FORWARD 1 -j libvirt-in\n-I FORWARD 2 -j libvirt-out\n-I FORWARD 3 -j libvirt-in-post\n"
            "-A FI-t -j DROP\n-A libvirt-in -m physdev --physdev-in t -g FI-t\nCOMMIT\n");
  // Something else got before them: they go back.
  Table moved(Netfilter::kIpv4,
              ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:libvirt-in -\n:libvirt-out -\n:libvirt-in-post -\n:libvirt-host-in -\n"
              "-A INPUT -j libvirt-host-in\n-A FORWARD -j LOG\n-A FORWARD -j libvirt-in\n-A FORWARD -j libvirt-out\n-A FORWARD -j libvirt-in-post\n");
  std::string script = moved.Replace({}, next);
  EXPECT_NE(script.find("-D FORWARD -j libvirt-in\n"), script.npos);
  EXPECT_NE(script.find("-I FORWARD 1 -j libvirt-in\n"), script.npos);
  EXPECT_EQ(script.find("INPUT"), script.npos);
}

}  // namespace
}  // namespace bv::nwfilter
