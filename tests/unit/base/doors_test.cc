// Work on one name comes one after the other; names do not wait for each other, and are forgotten.
#include "base/doors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bv {
namespace {

class DoorsTest : public testing::Test {
 protected:
  Task<> Visit(std::string name, Event& leave, std::string mark, Deadline deadline = kNever) {
    auto door = co_await doors_.Enter(name, deadline);
    said_.push_back(door ? mark : mark + " gave up");
    if (door) co_await leave.Wait();
  }
  void RunFor(Clock::duration time) {
    auto quit = [](Loop& loop, Clock::duration time) -> Task<> {
      co_await Sleep(time);
      loop.Quit();
    };
    Spawn(quit(loop_, time), "test");
    loop_.Run();
  }
  Loop loop_;
  Doors doors_;
  std::vector<std::string> said_;
};

TEST_F(DoorsTest, OneAfterTheOtherByName) {
  using std::chrono::milliseconds;
  Event first, second, other;
  EXPECT_FALSE(doors_.InUse("a"));
  Spawn(Visit("a", first, "a1"), "test");
  Spawn(Visit("a", second, "a2"), "test");
  Spawn(Visit("a", second, "a3", In(milliseconds(5))), "test");
  Spawn(Visit("b", other, "b"), "test");
  RunFor(milliseconds(20));
  EXPECT_EQ(said_, (std::vector<std::string>{"a1", "b", "a3 gave up"}));
  first.Set();
  RunFor(milliseconds(1));
  EXPECT_EQ(said_.back(), "a2");
  EXPECT_TRUE(doors_.InUse("a"));
  second.Set();
  other.Set();
  RunFor(milliseconds(1));
  EXPECT_FALSE(doors_.InUse("a"));
  EXPECT_FALSE(doors_.InUse("b"));
}

}  // namespace
}  // namespace bv
