// What mdevctl says of mediated devices that are defined, and what it is told.
#include <gtest/gtest.h>

#include "base/error.h"
#include "nodedev/mdev_definitions.h"

namespace bv::nodedev {
namespace {

TEST(MdevDefinitions, AreReadByParents) {
  auto list = ParseMdevList(R"([{"0000:01:00.0":[
      {"11111111-2222-3333-4444-555555555555":{"mdev_type":"t-1","start":"auto","attrs":[{"a":"5"},{"b":"6"}]}},
      {"01111111-2222-3333-4444-555555555555":{"mdev_type":"t-2","start":"manual"}}],
    "matrix":[{"21111111-2222-3333-4444-555555555555":{"mdev_type":"t-3"}}]}])");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].name(), "mdev_01111111_2222_3333_4444_555555555555_0000_01_00_0");
  EXPECT_EQ(list[1].mdev.type, "t-1");
  EXPECT_TRUE(list[1].autostart);
  EXPECT_FALSE(list[0].autostart);
  ASSERT_EQ(list[1].mdev.attributes.size(), 2u);
  EXPECT_EQ(list[1].mdev.attributes[1].name + "=" + list[1].mdev.attributes[1].value, "b=6");
  EXPECT_EQ(list[2].parent_address, "matrix");
  EXPECT_TRUE(ParseMdevList("[]").empty());
}

TEST(MdevDefinitions, AreRefusedWhereTheyAreNone) {
  for (const char* text : {"", "{}", "x", R"([{"p":[{"no uuid":{"mdev_type":"t"}}]}])",
                           R"([{"p":[{"11111111-2222-3333-4444-555555555555":{}}]}])"}) {
    EXPECT_THROW(ParseMdevList(text), Error) << text;
  }
}

TEST(MdevDefinitions, AreWrittenForMdevctl) {
  model::Mdev mdev;
  mdev.type = "t-1";
  EXPECT_EQ(FormatMdev(mdev), R"({"mdev_type":"t-1","start":"manual"})");
  mdev.attributes = {{"a", "b"}, {"c", "d"}};
  EXPECT_EQ(FormatMdev(mdev), R"({"mdev_type":"t-1","start":"manual","attrs":[{"a":"b"},{"c":"d"}]})");
}

TEST(MdevDefinitions, KeepWhatWasJustDone) {
  MdevDefinitions definitions;
  auto list = ParseMdevList(R"([{"p":[{"11111111-2222-3333-4444-555555555555":{"mdev_type":"t"}}]}])");
  std::string name = list[0].name();
  definitions.Put(list[0]);
  definitions.Put(list[0]);  // anew
  EXPECT_EQ(definitions.all().size(), 1u);
  ASSERT_NE(definitions.Find(name), nullptr);
  definitions.Remove(name);
  EXPECT_EQ(definitions.Find(name), nullptr);
}

}  // namespace
}  // namespace bv::nodedev
