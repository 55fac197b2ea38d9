// Leases in the state of a live upgrade.
#include "lockd/lock_state.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::lockd {
namespace {

TEST(LockStateTest, WhatIsWrittenIsReadAgain) {
  Json state = Json::Object();
  FormatSpaces({{"", {{"/disk", "/disk", 3, 0, {7}, true}}}, {"/space", {{"a", "/space/a", 4, 3, {7, 7}}}}}, state);
  auto spaces = ParseSpaces(Json::Parse(state.Dump()));
  ASSERT_EQ(spaces.size(), 2u);
  EXPECT_EQ(spaces[0].directory, "");
  EXPECT_EQ(spaces[0].leases.at(0).fd, 3);
  EXPECT_TRUE(spaces[0].leases.at(0).ours);
  EXPECT_FALSE(spaces[1].leases.at(0).ours);
  EXPECT_EQ(spaces[1].directory, "/space");
  EXPECT_EQ(spaces[1].leases.at(0).flags, 3u);
  EXPECT_EQ(spaces[1].leases.at(0).owners, (std::vector<pid_t>{7, 7}));

  Json client = Json::Object();
  SavedOwner owner{true, 12, 3, "guest", Uuid::Generate()};
  FormatOwner(owner, client);
  SavedOwner read = ParseOwner(Json::Parse(client.Dump()));
  EXPECT_TRUE(read.restricted);
  EXPECT_EQ(read.pid, 12);
  EXPECT_EQ(read.id, 3u);
  EXPECT_EQ(read.name, "guest");
  EXPECT_EQ(read.uuid, owner.uuid);
}

// As the original writes it.
TEST(LockStateTest, ALockIsOursOnlyIfTheStateSaysSo) {
  auto spaces = ParseSpaces(Json::Parse(R"({"defaultLockspace": {"resources": [{"name": "/disk", "path": "/disk", "fd": 3,
      "lockHeld": true, "flags": 0, "owners": [7]}]}})"));
  EXPECT_FALSE(spaces.at(0).leases.at(0).ours);
}

TEST(LockStateTest, RefusesWhatIsNoLease) {
  EXPECT_EQ(ParseSpaces(Json::Object()).size(), 1u);
  for (const char* lease :
       {"{}", R"({"name": "a", "fd": 3, "flags": 0})", R"({"name": "a", "fd": -3, "flags": 0, "owners": [1]})",
        R"({"name": "a", "fd": 3, "owners": [1]})", R"({"name": "a", "fd": 3, "flags": 0, "owners": [-1]})",
        R"({"name": "a", "fd": 3, "flags": 0, "owners": ["1"]})", R"({"fd": 3, "flags": 0, "owners": [1]})"}) {
    EXPECT_THROW(ParseSpaces(Json::Parse(std::string(R"({"defaultLockspace": {"resources": [)") + lease + "]}}")), Error) << lease;
  }
  EXPECT_THROW(ParseSpaces(Json::Parse(R"({"lockspaces": [{"resources": []}]})")), Error);
  EXPECT_THROW(ParseSpaces(Json::Parse(R"({"defaultLockspace": {"directory": "/x"}})")), Error);
}

}  // namespace
}  // namespace bv::lockd
