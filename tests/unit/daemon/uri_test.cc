#include "daemon/uri.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv {
namespace {

TEST(UriTest, TakesApart) {
  Uri uri = Uri::Parse("qemu+tls://joe@[fe80::1]:16514/system?no_verify=1");
  EXPECT_EQ("qemu+tls", uri.scheme);
  EXPECT_EQ("joe", uri.user);
  EXPECT_EQ("fe80::1", uri.server);
  EXPECT_EQ(16514, uri.port);
  EXPECT_EQ("/system", uri.path);
  EXPECT_EQ("no_verify=1", uri.query);
}

TEST(UriTest, RefusesWhatIsNone) {
  for (const char* bad : {"://x", "hello world"}) EXPECT_THROW(Uri::Parse(bad), Error) << bad;
}

// Accepted, not ours, or wrong: as libvirtd 9.0 answers a connection as root.
TEST(UriTest, LocalDriversAcceptAsTheOriginal) {
  EXPECT_TRUE(AcceptsLocalUri(Uri::Parse("qemu:///system"), "qemu", true));
  EXPECT_TRUE(AcceptsLocalUri(Uri::Parse("qemu:/system"), "qemu", true));
  EXPECT_TRUE(AcceptsLocalUri(Uri::Parse("qemu:///session"), "qemu", true));
  EXPECT_TRUE(AcceptsLocalUri(Uri::Parse("secret:///session"), "secret", false));
  for (const char* other : {"qemu", "QEMU:///system", "qemu+unix:///system", "qemu://host/system", "xen:///"}) {
    EXPECT_FALSE(AcceptsLocalUri(Uri::Parse(other), "qemu", true)) << other;
  }
  try {
    AcceptsLocalUri(Uri::Parse("network:///session"), "network", true);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(ErrorCode::kInternalError, e.code);
    EXPECT_STREQ("internal error: unexpected network URI path '/session', try network:///system", e.what());
  }
}

}  // namespace
}  // namespace bv
