#include "nwfilter/interface_rules.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace bv::nwfilter {
namespace {

class InterfaceRulesTest : public ::testing::Test {
 protected:
  void Define(const std::string& name, const std::string& content, const std::string& attributes = "") {
    filters_[name] = model::ParseFilter("<filter name='" + name + "'" + attributes + ">" + content + "</filter>", false);
  }
  FindFilter Finder() {
    return [this](const std::string& name) {
      auto found = filters_.find(name);
      return found == filters_.end() ? nullptr : &found->second;
    };
  }
  InterfaceRules Make(const Variables& variables = {}) { return MakeRules(Finder(), "f", "t", variables); }
  // The chain's rules, a line each.
  static std::string Chain(const OwnedRules& owned, const std::string& name) {
    std::string lines;
    for (auto& chain : owned.chains) {
      if (chain.name != name) continue;
      for (const std::string& rule : chain.rules) lines += rule + "\n";
    }
    return lines;
  }
  std::string ToGuest(const std::string& rule, const Variables& variables = {}) {
    Define("f", rule);
    return Chain(Make(variables).ipv4, "FO-t");
  }

  std::map<std::string, model::FilterDef> filters_;
};

TEST_F(InterfaceRulesTest, AcceptedConnectionsGoBothWays) {
  Define("f", "<rule action='accept' direction='in'><tcp dstportstart='22'/></rule>");
  InterfaceRules rules = Make();
  EXPECT_EQ(Chain(rules.ipv4, "FO-t"),
            "-p tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -m conntrack --ctdir ORIGINAL -j ACCEPT\n");
  EXPECT_EQ(Chain(rules.ipv4, "FI-t"), "-p tcp --sport 22 -m conntrack --ctstate ESTABLISHED -m conntrack --ctdir REPLY -j RETURN\n");
  EXPECT_EQ(Chain(rules.ipv4, "HI-t"), Chain(rules.ipv4, "FI-t"));
  EXPECT_TRUE(rules.ipv6.empty());
  EXPECT_TRUE(rules.ethernet.empty());
}

TEST_F(InterfaceRulesTest, WhatOneDirectionCannotSayIsLeftOut) {
  Define("f", "<rule action='accept' direction='out'><icmp type='8'/></rule><rule action='drop' direction='in'><all srcmacaddr='1:2:3:4:5:6'/></rule>");
  InterfaceRules rules = Make();
  EXPECT_EQ(Chain(rules.ipv4, "FI-t"), "-p icmp --icmp-type 8 -m conntrack --ctstate NEW,ESTABLISHED -j RETURN\n");
  EXPECT_EQ(Chain(rules.ipv4, "FO-t"), "-p all -m mac --mac-source 01:02:03:04:05:06 -j DROP\n");
}

TEST_F(InterfaceRulesTest, ListsAreCombinedByIterators) {
  Variables variables{{"A", {"1.1.1.1", "2.2.2.2", "1.1.1.1"}}, {"B", {"10", "20", "30"}}, {"C", {"5"}}};
  EXPECT_EQ(ToGuest("<rule action='drop' direction='in'><tcp srcipaddr='$A' dstportstart='$B'/></rule>", variables),
            "-p tcp --source 1.1.1.1 --dport 10 -j DROP\n-p tcp --source 2.2.2.2 --dport 20 -j DROP\n-p tcp --source 1.1.1.1 --dport 30 -j DROP\n");
  EXPECT_EQ(ToGuest("<rule action='drop' direction='in'><tcp srcipaddr='$A[@1]' dstportstart='$B[1]'/></rule>", variables),
            "-p tcp --source 1.1.1.1 --dport 20 -j DROP\n-p tcp --source 2.2.2.2 --dport 20 -j DROP\n");
  // The iterator without a number goes fastest, wherever it stands.
  Variables two{{"A", {"1.1.1.1", "2.2.2.2"}}, {"B", {"10", "20"}}};
  EXPECT_EQ(ToGuest("<rule action='drop' direction='in'><tcp srcipaddr='$A[@1]' dstportstart='$B'/></rule>", two),
            "-p tcp --source 1.1.1.1 --dport 10 -j DROP\n-p tcp --source 1.1.1.1 --dport 20 -j DROP\n"
            "-p tcp --source 2.2.2.2 --dport 10 -j DROP\n-p tcp --source 2.2.2.2 --dport 20 -j DROP\n");
  EXPECT_THROW(ToGuest("<rule action='drop' direction='in'><tcp srcipaddr='$A' dstportstart='$C'/></rule>", variables), Error);
}

TEST_F(InterfaceRulesTest, ChainsStandAmongTheRulesByPriority) {
  Define("sub", "<rule action='drop' direction='out'/>", " chain='arp-x' priority='100'");
  Define("f", "<rule action='accept' direction='out' priority='100'><mac/></rule><rule action='return' direction='out' priority='50'><mac/></rule>"
              "<filterref filter='sub'/>");
  InterfaceRules rules = Make();
  EXPECT_EQ(Chain(rules.ethernet, "libvirt-I-t"), "-j RETURN\n-p 0x806 -j I-t-arp-x\n-j ACCEPT\n");
  EXPECT_EQ(Chain(rules.ethernet, "I-t-arp-x"), "-j DROP\n");
  EXPECT_EQ(rules.ethernet.links.size(), 1u);
}

TEST_F(InterfaceRulesTest, RulesForBothWaysAreTurnedRound) {
  Define("f", "<rule action='reject' direction='inout'><ip srcipaddr='1.2.3.4' srcipmask='24' match='no'/></rule>");
  InterfaceRules rules = Make();
  EXPECT_EQ(Chain(rules.ethernet, "libvirt-I-t"), "-p ipv4 --ip-destination ! 1.2.3.4/24 -j DROP\n");
  EXPECT_EQ(Chain(rules.ethernet, "libvirt-O-t"), "-p ipv4 --ip-source ! 1.2.3.4/24 -j DROP\n");
}

TEST_F(InterfaceRulesTest, ReferencesAddVariablesAndTheInterfacesGoFirst) {
  Define("sub", "<rule action='drop' direction='in'><tcp srcipaddr='$A' dstportstart='$P'/></rule>");
  EXPECT_EQ(ToGuest("<filterref filter='sub'><parameter name='A' value='9.9.9.9'/><parameter name='P' value='1'/></filterref>", {{"P", {"2"}}}),
            "-p tcp --source 9.9.9.9 --dport 2 -j DROP\n");
  Define("f", "<filterref filter='sub'/>");
  EXPECT_EQ(Missing(Finder(), "f", {{"P", {"2"}}}), std::set<std::string>{"A"});
  Define("f", "<filterref filter='nosuch'/>");
  EXPECT_THROW(Missing(Finder(), "f", {}), Error);
}

TEST_F(InterfaceRulesTest, NamedStatesHoldForTheRulesDirection) {
  EXPECT_EQ(ToGuest("<rule action='accept' direction='in'><tcp state='NEW'/><tcp state='RELATED'/></rule>"),
            "-p tcp -m conntrack --ctstate NEW,RELATED -j ACCEPT\n");
  EXPECT_EQ(ToGuest("<rule action='accept' direction='out'><tcp state='NEW'/></rule>"), "");
  EXPECT_EQ(ToGuest("<rule action='accept' direction='in'><tcp state='NONE'/></rule>"), "-p tcp -j ACCEPT\n");
}

// Nothing that a comment holds gets out of its word.
TEST_F(InterfaceRulesTest, CommentsAreOneWord) {
  EXPECT_EQ(ToGuest("<rule action='drop' direction='in'><all comment='a&quot;b\\&#10;COMMIT'/></rule>"),
            "-p all -m comment --comment \"a\\\"b\\\\ COMMIT\" -j DROP\n");
}

}  // namespace
}  // namespace bv::nwfilter
