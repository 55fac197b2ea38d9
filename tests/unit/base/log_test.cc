// Log filters and outputs in libvirt's syntax.
#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"

namespace bv {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override {
    SetLogFilters("");
    SetLogOutputs("");
    SetLogLevel(LogLevel::kWarning);
  }
};

TEST_F(LogTest, FirstMatchingFilterDecides) {
  SetLogFilters("4:qemu.noisy 1:qemu");
  EXPECT_TRUE(LogEnabled(LogLevel::kDebug, "qemu.qemu_monitor"));
  EXPECT_FALSE(LogEnabled(LogLevel::kWarning, "qemu.noisy"));
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "rpc"));
  EXPECT_EQ(GetLogFilters(), "4:qemu.noisy 1:qemu");
}

TEST_F(LogTest, MalformedTextChangesNothing) {
  SetLogFilters("1:qemu");
  for (const char* bad : {"5:x", "qemu", "1:", "1", "x:y"}) EXPECT_THROW(SetLogFilters(bad), Error) << bad;
  for (const char* bad : {"1:file:relative", "1:syslog:", "1:nowhere", "0:stderr"}) {
    EXPECT_THROW(SetLogOutputs(bad), Error) << bad;
  }
  EXPECT_EQ(GetLogFilters(), "1:qemu");
}

TEST_F(LogTest, WritesToFilesByLevel) {
  std::string path = testing::TempDir() + "bv_log_test";
  unlink(path.c_str());
  SetLogOutputs("4:file:" + path);
  LogWarn("base.test", "quiet");
  LogError("base.test", "number {}", 7);
  std::string text = ReadFile(path);
  unlink(path.c_str());
  EXPECT_EQ(text.find("quiet"), text.npos);
  EXPECT_NE(text.find(": error : base.test: number 7\n"), text.npos) << text;
}

}  // namespace
}  // namespace bv
