// Audit records: what a reader of them could misread is written in digits.
#include "daemon/audit.h"

#include <gtest/gtest.h>

namespace bv::audit {
namespace {

TEST(AuditTest, Fields) {
  EXPECT_EQ(Field("vm", "one"), "vm=\"one\"");
  EXPECT_EQ(Field("vm", ""), "vm=\"\"");
  EXPECT_EQ(Field("vm", "two \""), "vm=74776F2022");
  EXPECT_EQ(Field("vm", "\xc3\xa9\n"), "vm=C3A90A");
}

TEST(AuditTest, Messages) {
  EXPECT_EQ(Message("virt=kvm op=start", true, "/usr/sbin/libvirtd"),
            "virt=kvm op=start exe=\"/usr/sbin/libvirtd\" hostname=? addr=? terminal=? res=success");
  EXPECT_TRUE(Message("x", false, "/a b").ends_with("exe=2F612062 hostname=? addr=? terminal=? res=failed"));
}

}  // namespace
}  // namespace bv::audit
