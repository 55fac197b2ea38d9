// A guest's log: the command as libvirt writes it, and which of QEMU's words make an error.
#include "qemu/guest_log.h"

#include <gtest/gtest.h>

namespace bv::qemu {
namespace {

TEST(GuestLog, TheBannerHasAnOptionALine) {
  CommandLine line;
  line.environment = {{"LC_ALL", "C"}};
  line.argv = {"/usr/bin/qemu", "-name", "guest=a b", "-S", "-m", "64", "loose"};
  auto banner = StartBanner(line, "7.2.0");
  EXPECT_NE(banner.npos, banner.find(": starting up libvirt version: 9.0.0, qemu version: 7.2.0, kernel: "));
  EXPECT_EQ("LC_ALL=C \\\n/usr/bin/qemu \\\n-name 'guest=a b' \\\n-S \\\n-m 64 \\\nloose\n", banner.substr(banner.find('\n') + 1));
}

TEST(GuestLog, LastWordsLeaveOutWhatIsNoReason) {
  EXPECT_EQ("", LastWords(""));
  EXPECT_EQ("", LastWords("char device redirected to /dev/pts/1 (label charserial0)\n\n"));
  EXPECT_EQ("a\nb", LastWords("char device redirected to /dev/pts/1\na\nchar device redirected to x\nb\n"));
  EXPECT_EQ(1024u, LastWords(std::string(5000, 'x')).size());
}

}  // namespace
}  // namespace bv::qemu
