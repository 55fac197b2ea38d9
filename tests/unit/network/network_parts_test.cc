// What becomes of a network's definition: dnsmasq's configuration, packet filter rules, changes of its parts, ports.
// Expectations are what the original daemon makes of the same.
#include <functional>

#include <gtest/gtest.h>

#include "base/error.h"
#include "network/dnsmasq_config.h"
#include "network/firewall_rules.h"
#include "network/leases.h"
#include "network/port_allocation.h"
#include "network/update.h"

namespace bv::network {
namespace {

model::NetworkDef Network(const std::string& body) {
  return model::ParseNetwork("<network><name>t</name><bridge name='br7'/>" + body + "</network>", 0);
}
constexpr char kNat[] =
    "<forward mode='nat'/><ip address='10.1.2.1' prefix='24'><dhcp><range start='10.1.2.2' end='10.1.2.9'/>"
    "<host mac='52:54:01:00:00:01' name='n' ip='10.1.2.9'/></dhcp></ip>";

NetworkPaths Paths() {
  DriverEnvironment environment;
  environment.privileged = true;
  environment.config_dir = "/etc/libvirt";
  environment.state_dir = "/run/libvirt";
  environment.lib_dir = "/var/lib/libvirt";
  return NetworkPaths(environment);
}

ErrorCode CodeOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code;
  }
  return ErrorCode::kOk;
}

TEST(DnsmasqConfigTest, SaysWhatTheNetworkSays) {
  DnsmasqFiles files = MakeDnsmasqFiles(Network(kNat), Paths());
  std::string conf = files.conf.substr(files.conf.find("strict-order"));
  EXPECT_EQ(conf,
            "strict-order\npid-file=/run/libvirt/network/t.pid\nexcept-interface=lo\nbind-dynamic\ninterface=br7\n"
            "dhcp-range=10.1.2.2,10.1.2.9,255.255.255.0\ndhcp-no-override\ndhcp-authoritative\ndhcp-lease-max=8\n"
            "dhcp-hostsfile=/var/lib/libvirt/dnsmasq/t.hostsfile\naddn-hosts=/var/lib/libvirt/dnsmasq/t.addnhosts\n");
  EXPECT_EQ(files.hosts, "52:54:01:00:00:01,10.1.2.9,n\n");
}

TEST(DnsmasqConfigTest, NumbersOfServicesStandBehindEachOther) {
  std::string conf = MakeDnsmasqFiles(Network("<dns><srv service='s' protocol='tcp' target='t' weight='4'/></dns><ip address='10.1.2.1'/>"), Paths()).conf;
  EXPECT_NE(conf.find("srv-host=_s._tcp,t,1,0,4\n"), conf.npos) << conf;
}

TEST(DnsmasqConfigTest, RefusesReverseZonesWithinALabel) {
  auto make = [] { MakeDnsmasqFiles(Network("<ip address='10.0.0.1' prefix='20' localPtr='yes'/>"), Paths()); };
  EXPECT_EQ(CodeOf(make), ErrorCode::kConfigUnsupported);
}

TEST(DnsmasqConfigTest, HasNoLineThatADefinitionSmugglesIn) {
  auto make = [] { MakeDnsmasqFiles(Network("<dns><txt name='n' value='a&#10;dhcp-script=/x'/></dns><ip address='10.1.2.1'/>"), Paths()); };
  EXPECT_EQ(CodeOf(make), ErrorCode::kXmlError);
}

TEST(FirewallRulesTest, QuoteNamesThatAreMoreThanAWord) {
  for (auto& rule : NetworkRules(Network("<forward mode='route' dev='e&#10;COMMIT'/><ip address='10.1.2.1'/>"))) {
    EXPECT_EQ(rule.rule.find('\n'), rule.rule.npos) << rule.rule;
  }
}

TEST(FirewallRulesTest, FollowTheMode) {
  auto count = [](const char* body, const char* chain) {
    int found = 0;
    for (auto& rule : NetworkRules(Network(body))) found += rule.chain == chain;
    return found;
  };
  EXPECT_EQ(count(kNat, "LIBVIRT_PRT"), 5);
  EXPECT_EQ(count("<ip address='10.1.2.1'/>", "LIBVIRT_PRT"), 0);
  EXPECT_EQ(count("<forward mode='open'/><ip address='10.1.2.1'/>", "LIBVIRT_INP"), 0);
  EXPECT_EQ(count("<ip address='10.1.2.1'><tftp root='/x'/></ip>", "LIBVIRT_INP"), 5);
  EXPECT_EQ(ChecksumRules(Network(kNat)).size(), 1u);
  EXPECT_TRUE(ChecksumRules(Network("<ip address='10.1.2.1'/>")).empty());
}

TEST(FirewallRulesTest, TheLastInsertedIsTheFirstMet) {
  auto rules = NetworkRules(Network(kNat));
  EXPECT_EQ(rules.back().rule, "-s 10.1.2.0/24 -d 224.0.0.0/24 -j RETURN");
}

constexpr unsigned kModify = 1, kDelete = 2, kAddLast = 3, kDhcpHost = 4, kDhcpRange = 5, kDnsTxt = 11;

TEST(NetworkUpdateTest, AddsChangesAndDeletes) {
  auto def = Network(kNat);
  UpdateDefinition(def, kAddLast, kDhcpHost, -1, "<host mac='52:54:01:00:00:02' ip='10.1.2.8'/>");
  ASSERT_EQ(def.ips[0].hosts.size(), 2u);
  UpdateDefinition(def, kModify, kDhcpHost, -1, "<host mac='52:54:01:00:00:02' ip='10.1.2.7'/>");
  EXPECT_EQ(def.ips[0].hosts[1].ip->ToString(), "10.1.2.7");
  UpdateDefinition(def, kDelete, kDhcpHost, 0, "<host ip='10.1.2.9'/>");
  ASSERT_EQ(def.ips[0].hosts.size(), 1u);
  EXPECT_EQ(*def.ips[0].hosts[0].mac, "52:54:01:00:00:02");
}

TEST(NetworkUpdateTest, RefusesWhatContradicts) {
  auto code = [](unsigned command, unsigned section, const char* xml) {
    return CodeOf([=] {
      auto def = Network(kNat);
      UpdateDefinition(def, command, section, -1, xml);
    });
  };
  EXPECT_EQ(code(kAddLast, kDhcpHost, "<host mac='52:54:01:00:00:01' ip='10.1.2.8'/>"), ErrorCode::kOperationInvalid);
  EXPECT_EQ(code(kDelete, kDhcpHost, "<host ip='10.1.2.8'/>"), ErrorCode::kOperationInvalid);
  EXPECT_EQ(code(kModify, kDhcpRange, "<range start='10.1.2.2' end='10.1.2.9'/>"), ErrorCode::kOperationUnsupported);
  EXPECT_EQ(code(kDelete, kDnsTxt, "<txt name='x'/>"), ErrorCode::kOperationInvalid);
  EXPECT_EQ(code(kAddLast, 1, "<bridge/>"), ErrorCode::kOperationUnsupported);
  EXPECT_EQ(code(kAddLast, 99, "<bridge/>"), ErrorCode::kOperationUnsupported);
}

model::NetworkPortDef Port(const char* more = "") {
  return model::ParseNetworkPort(std::string("<networkport><uuid>81ff0d90-c91e-6742-64da-4a736edb9a9c</uuid><owner><name>g</name><uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid></owner>"
                                             "<mac address='52:54:00:00:00:01'/>") +
                                     more + "</networkport>",
                                 0);
}

TEST(PortAllocationTest, BridgesTakeAll) {
  auto def = Network(kNat);
  auto port = Port();
  AllocatePort(def, port);
  EXPECT_EQ(port.plug.type, model::PlugType::kNetwork);
  EXPECT_EQ(port.plug.bridge, "br7");
  EXPECT_EQ(def.connections, 1u);
  ReleasePort(def, port);
  EXPECT_EQ(def.connections, 0u);
}

TEST(PortAllocationTest, ExclusiveDevicesRunOut) {
  auto def = model::ParseNetwork("<network><name>t</name><forward mode='passthrough'><interface dev='a'/></forward></network>", 0);
  auto first = Port(), second = Port();
  AllocatePort(def, first);
  EXPECT_EQ(first.plug.dev, "a");
  EXPECT_EQ(CodeOf([&] { AllocatePort(def, second); }), ErrorCode::kInternalError);
  ReleasePort(def, first);
  AllocatePort(def, second);
  EXPECT_EQ(second.plug.dev, "a");
}

TEST(LeasesTest, KeepWhatWasGiven) {
  Lease lease{"10.1.2.3", "52:54:00:00:00:01", "h", "ff:01", "", "", 1234};
  auto again = ParseLeases(FormatLeases({lease}));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].hostname, "h");
  EXPECT_EQ(again[0].expiry, 1234);
  EXPECT_TRUE(ParseLeases("").empty());
  EXPECT_EQ(CodeOf([] { ParseLeases("{"); }), ErrorCode::kInternalError);
}

}  // namespace
}  // namespace bv::network
