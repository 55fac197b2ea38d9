#include "daemon/pattern.h"

#include <gtest/gtest.h>

namespace bv {
namespace {

TEST(PatternTest, Matches) {
  struct {
    const char *pattern, *text;
    bool matches;
  } rows[] = {
      {"", "", true},           {"", "a", false},          {"*", "", true},
      {"*", "anything", true},  {"joe@*", "joe@X", true},  {"joe@*", "fred@X", false},
      {"*@OPS", "a@OPS", true}, {"*@OPS", "a@OPS2", false}, {"a?c", "abc", true},
      {"a?c", "ac", false},     {"O=Org,CN=*", "O=Org,CN=x", true}, {"*a*b*", "xxaxxbxx", true},
      {"*ab", "aab", true},     {"a*a*a", "aa", false},
  };
  for (const auto& row : rows) EXPECT_EQ(row.matches, MatchesPattern(row.pattern, row.text)) << row.pattern << ' ' << row.text;
}

}  // namespace
}  // namespace bv
