// Uuid and Bitmap: the notations that libvirt takes and writes.
#include <gtest/gtest.h>

#include "base/bitmap.h"
#include "base/uuid.h"

namespace bv {
namespace {

TEST(UuidTest, ParsesWithAndWithoutDashes) {
  auto uuid = Uuid::Parse("  C7A5FDBD-edaf-9455-926a-d65c16db1809\n");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->ToString(), "c7a5fdbd-edaf-9455-926a-d65c16db1809");
  EXPECT_EQ(Uuid::Parse("c7a5fdbdedaf9455926ad65c16db1809"), uuid);
}

TEST(UuidTest, RefusesOthers) {
  for (const char* text : {"", "c7a5", "c7a5fdbdedaf9455926ad65c16db180", "c7a5fdbdedaf9455926ad65c16db18099",
                           "g7a5fdbdedaf9455926ad65c16db1809"}) {
    EXPECT_FALSE(Uuid::Parse(text)) << text;
  }
}

TEST(UuidTest, GeneratesVersionFour) {
  Uuid uuid = Uuid::Generate();
  EXPECT_EQ(uuid.bytes[6] >> 4, 4);
  EXPECT_EQ(uuid.bytes[8] >> 6, 2);
  EXPECT_NE(uuid, Uuid::Generate());
}

TEST(BitmapTest, ListNotation) {
  struct Row {
    const char* in;
    const char* out;
  };
  for (auto [in, out] : {Row{"0", "0"}, {"0-3,^2,7", "0-1,3,7"}, {" 4 , 5-6", "4-6"}, {"1,0", "0-1"}}) {
    auto set = Bitmap::Parse(in);
    ASSERT_TRUE(set) << in;
    EXPECT_EQ(set->Format(), out);
  }
  for (const char* bad : {"", "x", "3-1", "1,", "^1", "1-", "-1", "9999999", "1;2"}) {
    EXPECT_FALSE(Bitmap::Parse(bad)) << bad;
  }
}

TEST(BitmapTest, SetOperations) {
  auto a = *Bitmap::Parse("0-70"), b = *Bitmap::Parse("64,100");
  EXPECT_TRUE(a.Overlaps(b));
  EXPECT_EQ((Bitmap(a) &= b).Format(), "64");
  EXPECT_EQ((Bitmap(a) |= b).Format(), "0-70,100");
  EXPECT_EQ(a.count(), 71u);
  EXPECT_EQ(b.Last(), 100u);
  EXPECT_EQ(b.Next(65), 100u);
  auto bytes = b.ToBytes();
  EXPECT_EQ(Bitmap::FromBytes(bytes.data(), bytes.size()), b);
}

}  // namespace
}  // namespace bv
