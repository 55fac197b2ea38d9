// When a log's next turn is worth it.
#include "logd/log_pump.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"

namespace bv::logd {
namespace {

using Next = LogPump::Next;

class LogPumpTest : public testing::Test {
 protected:
  LogPumpTest() {
    char name[] = "/tmp/bv_logd_XXXXXX";
    directory_ = mkdtemp(name);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    write_end_.Reset(ends[1]);
    pump_.emplace(RotatingFile(directory_ + "/log", {0, 0}, false), Fd(ends[0]));
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    between_ = {Fd(ends[0]), Fd(ends[1])};
  }
  ~LogPumpTest() override { std::filesystem::remove_all(directory_); }

  void Say(const std::string& text) { ASSERT_EQ(write(write_end_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  Next Turn(std::size_t most = 1 << 20) { return pump_->TakeTurn(&between_, most); }
  std::string Log() { return ReadFile(directory_ + "/log"); }
  int Capacity() { return fcntl(write_end_.get(), F_GETPIPE_SZ); }

  std::string directory_;
  Fd write_end_;
  Pipe between_;
  std::optional<LogPump> pump_;
};

TEST_F(LogPumpTest, WhoSaysLittleIsWaitedFor) {
  Say("hello\n");
  Next next = Turn();
  EXPECT_EQ(next.when, Next::kWhenReadable);
  EXPECT_EQ(next.wait.count(), 0);
  EXPECT_EQ(Log(), "hello\n");
}

TEST_F(LogPumpTest, WhoFillsThePipeGetsALargerOneAndIsNotWaitedFor) {
  Say(std::string(65536, 'x'));
  Next next = Turn();
  EXPECT_EQ(next.when, Next::kAfterPause);
  EXPECT_EQ(next.wait.count(), 0);
  EXPECT_EQ(Capacity(), 1 << 20);
  EXPECT_EQ(Log().size(), 65536u);
}

TEST_F(LogPumpTest, ATurnIsNoLongerThanAllowed) {
  Say(std::string(65536, 'x'));
  Turn(10000);
  EXPECT_EQ(Log().size(), 10000u);
  EXPECT_EQ(Capacity(), 65536);
  Turn(20000);
  EXPECT_EQ(Log().size(), 30000u);
}

TEST_F(LogPumpTest, TheEndComesAfterTheLastWord) {
  Say("bye");
  write_end_.Reset();
  EXPECT_EQ(Turn().when, Next::kNever);
  EXPECT_EQ(Log(), "bye");
}

}  // namespace
}  // namespace bv::logd
