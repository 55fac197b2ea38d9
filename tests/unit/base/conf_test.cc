// libvirt's configuration syntax: values of each type, and errors with file and line.
#include "base/conf.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv {
namespace {

TEST(ConfTest, TakesEveryType) {
  auto entries = ParseConf("# head\n a = 12 # tail\nb=-3\nc = \"x # y\"\nd = 'q\"'\ne = [ \"1\",\n  '2', ]\nf = \"\"\"l1\nl2\"\"\"",
                           "t.conf");
  ASSERT_EQ(entries.size(), 6u);
  EXPECT_EQ(entries[0].key, "a");
  EXPECT_EQ(std::get<std::int64_t>(entries[0].value), 12);
  EXPECT_EQ(entries[0].line, 2);
  EXPECT_EQ(std::get<std::int64_t>(entries[1].value), -3);
  EXPECT_EQ(std::get<std::string>(entries[2].value), "x # y");
  EXPECT_EQ(std::get<std::string>(entries[3].value), "q\"");
  EXPECT_EQ(std::get<std::vector<std::string>>(entries[4].value), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(std::get<std::string>(entries[5].value), "l1\nl2");
}

TEST(ConfTest, SaysWhereItIsWrong) {
  struct Row {
    const char* text;
    const char* where;
  };
  for (auto [text, where] : {Row{"a = 1\nb 2\n", "t.conf:2: expecting an assignment"},
                             {"a = \"x\n", "t.conf:1: unterminated string"},
                             {"\n\n1 = 2", "t.conf:3: expecting a name"},
                             {"a = [ \"x\" \"y\" ]", "t.conf:1: list is not closed"},
                             {"a = x", "t.conf:1: expecting a value"},
                             {"a = 1 2", "t.conf:1: expecting a separator"},
                             {"a = 99999999999999999999", "t.conf:1: numerical overflow"}}) {
    try {
      ParseConf(text, "t.conf");
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code, ErrorCode::kConfSyntax);
      EXPECT_NE(std::string(e.what()).find(where), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace bv
