// Whose task validation is. What schemas say is tests/live/validate.py's.
#include "base/schema.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wait.h"

namespace bv::xml {
namespace {

// What StillToValidate() answers, or "refused".
std::string Answer(bool wanted, std::string text, std::string schema, std::string root) {
  Loop loop;
  std::string answer;
  auto ask = [&]() -> Task<> {
    try {
      answer = co_await StillToValidate(wanted, text, schema, root) ? "left" : "done";
    } catch (const Error& error) {
      answer = error.code == ErrorCode::kXmlInvalidSchema ? "refused" : error.message;
    }
    loop.Quit();
  };
  Spawn(ask(), "test");
  loop.Run();
  return answer;
}

TEST(Schema, WhatNobodyWantsIsDone) { EXPECT_EQ(Answer(false, "<x", "none", "x"), "done"); }

TEST(Schema, WithoutASchemaItIsLeft) { EXPECT_EQ(Answer(true, "<x/>", "no-such-schema", "x"), "left"); }

TEST(Schema, WhatIsNoSuchDocumentIsLeft) {
  EXPECT_EQ(Answer(true, "<secret", "secret", "secret"), "left");
  EXPECT_EQ(Answer(true, "<other/>", "secret", "secret"), "left");
  EXPECT_EQ(Answer(true, "<!DOCTYPE secret [<!ENTITY a 'b'>]><secret>&a;</secret>", "secret", "secret"), "left");
}

TEST(Schema, LimitsOfValuesHold) {
  if (access("/usr/share/libvirt/schemas/nwfilter.rng", R_OK) != 0) GTEST_SKIP() << "libvirt's schemas are not installed";
  auto filter = [](const std::string& name, const std::string& priority) {
    return Answer(true, "<filter name='" + name + "' priority='" + priority + "'/>", "nwfilter", "filter");
  };
  EXPECT_EQ(filter("a", "1000"), "done");
  EXPECT_EQ(filter("a", "1001"), "refused");   // maxInclusive
  EXPECT_EQ(filter("a", "-1001"), "refused");  // minInclusive
  EXPECT_EQ(filter("a b c;", "1"), "refused");  // pattern
}

}  // namespace
}  // namespace bv::xml
