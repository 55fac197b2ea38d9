// Json: what goes in comes out, members that are missing are named, bad text says where.
#include "base/json.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv {
namespace {

TEST(JsonTest, KeepsOrderAndTypes) {
  const char* text = R"({"b":1,"a":[true,null,"x/y",-2],"c":{"d":18446744073709551615}})";
  EXPECT_EQ(Json::Parse(text).Dump(), text);
  EXPECT_EQ(Json::Parse(text)["c"]["d"].AsUint(), 18446744073709551615u);
}

TEST(JsonTest, BuildsValues) {
  Json object = Json::Object({{"execute", "stop"}, {"id", 7}});
  object.Set("arguments", Json::Array({1, "two", false}));
  EXPECT_EQ(object.Dump(), R"({"execute":"stop","id":7,"arguments":[1,"two",false]})");
}

TEST(JsonTest, MissingMembers) {
  Json object = Json::Parse(R"({"a":1})");
  EXPECT_TRUE(object["b"].is_null());
  EXPECT_FALSE(object["a"].AsString());
  EXPECT_THROW(object.GetString("a"), Error);
}

TEST(JsonTest, RefusesBadText) {
  for (const char* text : {"{", "[1,]", "{\"a\" 1}", "1 2", "", "{}x", "\"\\u12\""}) {
    EXPECT_THROW(Json::Parse(text), Error) << text;
  }
  EXPECT_THROW(Json::Parse(std::string(100000, '[')), Error);
}

TEST(JsonTest, ScalarsAlone) {
  EXPECT_EQ(Json::Parse("12").AsInt(), 12);
  EXPECT_EQ(Json::Parse("true").AsBool(), true);
  EXPECT_EQ(Json::Parse(" \"x\" ").AsString(), "x");
}

}  // namespace
}  // namespace bv
