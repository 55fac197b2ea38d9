#include "storage/iscsi_report.h"

#include <gtest/gtest.h>

namespace bv::storage {
namespace {

TEST(IscsiReport, FindsSessions) {
  constexpr const char* kSessions =
      "tcp: [6] 10.0.0.1:3260,1 iqn.2020-01.x:disk (non-flash)\n"
      "tcp: [12] [fe80::1]:3260,1 iqn.2020-01.x:disk2 (non-flash)\nrubbish\n";
  EXPECT_EQ(FindSession(kSessions, "iqn.2020-01.x:disk"), "6");
  EXPECT_EQ(FindSession(kSessions, "iqn.2020-01.x:disk2"), "12");
  EXPECT_EQ(FindSession(kSessions, "iqn.2020-01.x:dis"), "");
  EXPECT_EQ(FindSession("tcp: x p iqn", "iqn"), "");
}

TEST(IscsiReport, FindsInterfaces) {
  constexpr const char* kInterfaces =
      "default tcp,<empty>,<empty>,<empty>,<empty>\nlibvirt-iface-1 tcp,<empty>,<empty>,<empty>,iqn.me:a\nshort tcp\n";
  EXPECT_EQ(FindInterface(kInterfaces, "iqn.me:a"), "libvirt-iface-1");
  EXPECT_EQ(FindInterface(kInterfaces, "iqn.me"), "");
}

TEST(IscsiReport, ReadsTargets) {
  EXPECT_EQ(ReadTargets("10.0.0.1:3260,1 iqn.a\n\n[fe80::1]:3260,1 iqn.b\n"), (std::vector<std::string>{"iqn.a", "iqn.b"}));
}

}  // namespace
}  // namespace bv::storage
