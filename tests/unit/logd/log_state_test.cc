// Open logs in the state of a live upgrade.
#include "logd/log_state.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::logd {
namespace {

TEST(LogStateTest, WhatIsWrittenIsReadAgain) {
  Json state = Json::Object();
  FormatLogs({{3, 4, "/a", "qemu", "guest", "uuid", 5}, {6, -1, "/b", "", "", "", 0}}, state);
  auto logs = ParseLogs(Json::Parse(state.Dump()));
  ASSERT_EQ(logs.size(), 2u);
  EXPECT_EQ(logs[0].pipe, 3);
  EXPECT_EQ(logs[0].file, 4);
  EXPECT_EQ(logs[0].path, "/a");
  EXPECT_EQ(logs[0].driver + logs[0].domain_name + logs[0].domain_uuid, "qemuguestuuid");
  EXPECT_EQ(logs[0].lost, 5u);
  EXPECT_EQ(logs[1].file, -1);
}

TEST(LogStateTest, ReadsWhatTheOriginalWrites) {
  auto logs = ParseLogs(Json::Parse(R"({"handler": {"files": [{"pipefd": 11, "path": "/var/log/a.log", "driver": "qemu",
    "domname": "guest", "domuuid": "f2719dc1-efbe-8e96-948e-1b1904bdccae"}]}})"));
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].pipe, 11);
  EXPECT_EQ(logs[0].file, -1);
}

TEST(LogStateTest, RefusesLogsWithoutPipeOrPath) {
  EXPECT_TRUE(ParseLogs(Json::Object()).empty());
  for (const char* file : {"{}", R"({"pipefd": 3})", R"({"path": "/a"})", R"({"pipefd": -1, "path": "/a"})",
                           R"({"pipefd": 3, "path": "a"})", "7"}) {
    EXPECT_THROW(ParseLogs(Json::Parse(std::string(R"({"handler": {"files": [)") + file + "]}}")), Error) << file;
  }
}

}  // namespace
}  // namespace bv::logd
