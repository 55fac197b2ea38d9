// Ip: the notations of addresses, and what networks are made of.
#include "base/ip.h"

#include <gtest/gtest.h>

namespace bv {
namespace {

Ip Address(const char* text) { return Ip::Parse(text).value(); }

TEST(IpTest, ReadsWhatTheResolverReads) {
  EXPECT_EQ(Address("10.1.2.3").ToString(), "10.1.2.3");
  EXPECT_EQ(Address("10.1").ToString(), "10.0.0.1");
  EXPECT_EQ(Address("10.0.0.010").ToString(), "10.0.0.8");
  EXPECT_EQ(Address("2001:DB8::0001").ToString(), "2001:db8::1");
  for (const char* text : {"", "x", "10.0.0.300", "10.0.0.1 ", "::g", "1:2", "fe80::1%lo"}) EXPECT_FALSE(Ip::Parse(text)) << text;
}

TEST(IpTest, MasksAndItsEnds) {
  EXPECT_EQ(Address("192.168.77.5").Masked(20).ToString(), "192.168.64.0");
  EXPECT_EQ(Address("192.168.77.5").Last(20).ToString(), "192.168.79.255");
  EXPECT_EQ(Address("2001:db8::1").Masked(16).ToString(), "2001::");
  EXPECT_EQ(Address("255.255.240.0").PrefixOfMask(), 20u);
  EXPECT_FALSE(Address("255.0.255.0").PrefixOfMask());
}

TEST(IpTest, ReverseZonesEndAtLabels) {
  EXPECT_EQ(Address("192.168.122.1").ReverseZone(24), "122.168.192.in-addr.arpa");
  EXPECT_FALSE(Address("192.168.122.1").ReverseZone(20));
  EXPECT_EQ(Address("2001:db8::1").ReverseZone(20), "0.1.0.0.2.ip6.arpa");
  EXPECT_FALSE(Address("2001:db8::1").ReverseZone(63));
}

TEST(IpTest, DistancesOfAnySize) {
  EXPECT_EQ(Ip::Distance(Address("10.0.0.250"), Address("10.0.1.5")), 11u);
  EXPECT_FALSE(Ip::Distance(Address("10.0.0.2"), Address("10.0.0.1")));
  EXPECT_EQ(Ip::Distance(Address("::ffff"), Address("::1:0")), 1u);
  EXPECT_EQ(Ip::Distance(Address("::"), Address("ffff::")), UINT64_MAX);
}

}  // namespace
}  // namespace bv
