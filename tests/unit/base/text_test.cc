// Words, lines and encodings of text.
#include "base/text.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace {

using namespace bv;
using Parts = std::vector<std::string_view>;

TEST(Text, SplitsAtEverySeparatorButTheLast) {
  EXPECT_EQ(SplitAt("a,,b,", ','), (Parts{"a", "", "b"}));
  EXPECT_EQ(SplitAt("a", ','), Parts{"a"});
  EXPECT_TRUE(SplitAt("", ',').empty());
}

TEST(Text, WordsHaveNoSpaceAroundThem) {
  EXPECT_EQ(Words("  one\ttwo \n three"), (Parts{"one", "two", "three"}));
  EXPECT_TRUE(Words(" \n").empty());
}

// RFC 4648 section 10; FIPS 180-2 appendix B.1.
TEST(Text, EncodesAsTheStandardsSay) {
  EXPECT_EQ(ToBase64("foob"), "Zm9vYg==");
  EXPECT_EQ(FromBase64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
