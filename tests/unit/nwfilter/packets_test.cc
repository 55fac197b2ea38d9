#include "nwfilter/packets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bv::nwfilter {
namespace {

using Bytes = std::vector<std::uint8_t>;
const model::MacAddress kGuest = *model::MacAddress::Parse("52:54:00:01:02:03");
const Bytes kGuestBytes = {0x52, 0x54, 0, 1, 2, 3}, kOther = {2, 0, 0, 0, 0, 1};

Bytes Concat(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes Ipv4(std::uint8_t protocol, const Bytes& payload) {
  Bytes header = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 7, 10, 0, 0, 1};
  return Concat({header, payload});
}

Bytes DhcpAnswer(std::uint8_t kind) {
  Bytes message(236, 0);
  message[0] = 2;
  const Bytes address = {192, 168, 1, 5};
  std::copy(address.begin(), address.end(), message.begin() + 16);
  std::copy(kGuestBytes.begin(), kGuestBytes.end(), message.begin() + 28);
  Bytes options = {0x63, 0x82, 0x53, 0x63, 0, 53, 1, kind, 51, 4, 0, 0, 0x0e, 0x10, 54, 4, 192, 168, 1, 1, 255};
  Bytes udp = {0, 67, 0, 68, 0, 0, 0, 0};
  return Concat({kGuestBytes, kOther, {8, 0}, Ipv4(17, Concat({udp, message, options}))});
}

std::string Learn(const Bytes& packet, LearnFrom from = LearnFrom::kAnything) {
  auto learned = LearnAddress(packet, kGuest, from);
  return learned ? learned->address : "";
}

TEST(PacketsTest, WhatAGuestSaysOfItself) {
  Bytes ip = Concat({kOther, kGuestBytes, {8, 0}, Ipv4(6, {})});
  EXPECT_EQ(Learn(ip), "10.0.0.7");
  EXPECT_EQ(Learn(ip, LearnFrom::kDhcp), "");
  EXPECT_EQ(Learn(Concat({kGuestBytes, kOther, {8, 0}, Ipv4(6, {})})), "");
  Bytes arp = {0, 1, 8, 0, 6, 4, 0, 1};
  Bytes request = Concat({kOther, kGuestBytes, {8, 6}, arp, kGuestBytes, {10, 0, 0, 8}, {0, 0, 0, 0, 0, 0}, {10, 0, 0, 1}});
  EXPECT_EQ(Learn(request), "10.0.0.8");
  // Asked from nowhere, and in another's name.
  EXPECT_EQ(Learn(Concat({kOther, kGuestBytes, {8, 6}, arp, kGuestBytes, {0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {10, 0, 0, 1}})), "");
  EXPECT_EQ(Learn(Concat({kOther, kGuestBytes, {8, 6}, arp, kOther, {10, 0, 0, 8}, {0, 0, 0, 0, 0, 0}, {10, 0, 0, 1}})), "");
}

TEST(PacketsTest, WhatADhcpServerGives) {
  auto learned = LearnAddress(DhcpAnswer(5), kGuest, LearnFrom::kDhcp);
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->address, "192.168.1.5");
  EXPECT_EQ(learned->server, "192.168.1.1");
  EXPECT_EQ(learned->lease, 3600u);
  EXPECT_EQ(Learn(DhcpAnswer(2)), "");  // an offer
}

TEST(PacketsTest, NoPacketIsTooShort) {
  Bytes whole = DhcpAnswer(5);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(Learn(part) == "" || Learn(part) == "192.168.1.5");
  }
}

}  // namespace
}  // namespace bv::nwfilter
