// Log files: nothing is lost or doubled at a roll-over, lines stay whole, the limit is exact, and
// reading by position follows a file through its renames.
#include "logd/rotating_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "logd/log_reader.h"

namespace bv::logd {
namespace {

class RotatingFileTest : public testing::Test {
 protected:
  RotatingFileTest() {
    char name[] = "/tmp/bv_logd_XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/guest.log";
  }
  ~RotatingFileTest() override {
    for (const char* suffix : {"", ".0", ".1", ".2", ".3"}) unlink((path_ + suffix).c_str());
    rmdir(directory_.c_str());
  }
  std::string Old(int number) { return ReadFileIfExists(path_ + "." + std::to_string(number)).value_or("(none)"); }
  std::string Now() { return ReadFile(path_); }

  std::string directory_, path_;
};

TEST_F(RotatingFileTest, KeepsLinesWholeAndOrder) {
  RotatingFile file(path_, {10, 2}, false);
  file.Append("aaaa\nbbbb\ncccc\ndddd\neeee\nffff\n");
  EXPECT_EQ(Now(), "eeee\nffff\n");
  EXPECT_EQ(Old(0), "cccc\ndddd\n");
  EXPECT_EQ(Old(1), "aaaa\nbbbb\n");
  EXPECT_EQ(Old(2), "(none)");
}

TEST_F(RotatingFileTest, LimitIsExactWithoutLineEnds) {
  RotatingFile file(path_, {8, 3}, false);
  file.Append(std::string(20, 'x'));
  EXPECT_EQ(Old(1).size(), 8u);
  EXPECT_EQ(Old(0).size(), 8u);
  EXPECT_EQ(Now().size(), 4u);
}

TEST_F(RotatingFileTest, WithoutBackupsTheFileStartsAgain) {
  RotatingFile file(path_, {4, 0}, false);
  file.Append("1234567");
  EXPECT_EQ(Now(), "567");
  EXPECT_EQ(Old(0), "(none)");
}

TEST_F(RotatingFileTest, AppendsToWhatIsThereUnlessTruncating) {
  RotatingFile(path_, {100, 1}, false).Append("old ");
  RotatingFile(path_, {100, 1}, false).Append("new");
  EXPECT_EQ(Now(), "old new");
  RotatingFile(path_, {100, 1}, true).Append("fresh");
  EXPECT_EQ(Now(), "fresh");
}

TEST_F(RotatingFileTest, PipeDataArrivesWholeThroughRollOvers) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  RotatingFile file(path_, {200000, 3}, false);
  std::string sent;
  for (int i = 0; i < 90000; ++i) {
    std::string line = std::to_string(i) + "\n";
    sent += line;
    if (write(ends[1], line.data(), line.size()) < 0) {
      while (file.TakeFromPipe(ends[0], 1 << 20) > 0) {
      }
      ASSERT_EQ(write(ends[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
  }
  close(ends[1]);
  while (file.TakeFromPipe(ends[0], 1 << 20) > 0) {
  }
  close(ends[0]);
  EXPECT_EQ(Old(1) + Old(0) + Now(), sent);
  EXPECT_LE(Old(0).size(), 200000u);
}

TEST_F(RotatingFileTest, WhatDoesNotFitIsLostFromThePipeInBetweenToo) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  int more[2];
  ASSERT_EQ(pipe2(more, O_NONBLOCK), 0);
  Pipe between{Fd(more[0]), Fd(more[1])};
  RotatingFile file(path_, {0, 0}, false);
  rlimit old, small{10000, RLIM_INFINITY};
  getrlimit(RLIMIT_FSIZE, &old);
  auto handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string text(40000, 'x');
  ASSERT_EQ(write(ends[1], text.data(), text.size()), 40000);
  EXPECT_EQ(file.TakeFromPipe(ends[0], 100000, &between), 40000);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(Now().size(), 10000u);
  EXPECT_EQ(file.lost_bytes(), 30000u);
  // There is room again.
  ASSERT_EQ(write(ends[1], text.data(), text.size()), 40000);
  EXPECT_EQ(file.TakeFromPipe(ends[0], 100000, &between), 40000);
  EXPECT_EQ(Now().size(), 50000u);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(RotatingFileTest, ReadingFollowsTheInode) {
  RotatingFile file(path_, {10, 2}, false);
  file.Append("0123456");
  LogPosition middle = {file.position().inode, 3};
  file.Append("789abcdefghijk");
  EXPECT_EQ(ReadLog(path_, 2, middle, 100), "3456789abcdefghijk");
  EXPECT_EQ(ReadLog(path_, 2, middle, 5), "34567");
  // A file that is gone: from the oldest there is.
  EXPECT_EQ(ReadLog(path_, 2, {1, 0}, 100), "0123456789abcdefghijk");
  EXPECT_THROW(ReadLog(path_ + "x", 2, middle, 1), Error);
}

TEST_F(RotatingFileTest, LinesStayWholeHoweverTheyArrive) {
  RotatingFile file(path_, {200, 1}, false);
  for (int i = 0; i < 4; ++i) file.Append(std::string(59, 'a' + i) + "\n");
  EXPECT_EQ(Old(0).size(), 180u) << "the fourth line does not fit any more";
  EXPECT_EQ(Now(), std::string(59, 'd') + "\n");
  file.Append(std::string(300, 'x'));
  EXPECT_EQ(Old(0).size(), 200u) << "a line that is too long is cut at the limit";
}

TEST_F(RotatingFileTest, TruncatingTakesTheBackupsAway) {
  RotatingFile(path_, {4, 2}, false).Append("1111222233");
  EXPECT_EQ(Old(0), "2222");
  RotatingFile(path_, {4, 2}, true).Append("x");
  EXPECT_EQ(Old(0), "(none)");
  EXPECT_EQ(Old(1), "(none)");
  EXPECT_EQ(Now(), "x");
}

TEST_F(RotatingFileTest, OthersMayTruncateAndAppend) {
  RotatingFile file(path_, {1000, 1}, false);
  file.Append("one\n");
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  file.Append("two\n");
  EXPECT_EQ(Now(), "two\n") << "no hole where the first line was";
  Fd other(open(path_.c_str(), O_WRONLY | O_APPEND));
  ASSERT_EQ(write(other.get(), "me\n", 3), 3);
  file.Append("three\n");
  EXPECT_EQ(Now(), "two\nme\nthree\n");
}

TEST_F(RotatingFileTest, AFileAboveTheLimitIsRolledOverFirst) {
  WriteFileAtomic(path_, std::string(50, 'o'));
  RotatingFile file(path_, {20, 1}, false);
  file.Append("new");
  EXPECT_EQ(Now(), "new");
  EXPECT_EQ(Old(0).size(), 50u);
}

TEST_F(RotatingFileTest, RollOverThatFailsLosesOnlyWhatComes) {
  RotatingFile file(path_, {5, 1}, false);
  file.Append("12345");
  ASSERT_EQ(mkdir((path_ + ".new").c_str(), 0700), 0);  // where the next file is to be made
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  ASSERT_EQ(write(ends[1], "678", 3), 3);
  EXPECT_EQ(file.TakeFromPipe(ends[0], 100), 3);
  EXPECT_EQ(file.lost_bytes(), 3u);
  EXPECT_EQ(Now(), "12345");
  rmdir((path_ + ".new").c_str());
  ASSERT_EQ(write(ends[1], "9ab", 3), 3);
  EXPECT_EQ(file.TakeFromPipe(ends[0], 100), 3);
  EXPECT_EQ(Old(0), "12345");
  EXPECT_EQ(Now(), "9ab");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(RotatingFileTest, AFullDiskIsTriedAgainAsLongAsRoomIsMade) {
  RotatingFile file("/dev/full", {0, 0}, false);
  int asked = 0;
  file.on_full = [&asked] { return ++asked < 3; };
  EXPECT_THROW(file.Append("in vain"), Error);
  EXPECT_EQ(asked, 3);
}

TEST_F(RotatingFileTest, FullDiskLosesDataAndSaysHowMuch) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  RotatingFile file("/dev/full", {0, 0}, false);
  ASSERT_EQ(write(ends[1], "gone", 4), 4);
  EXPECT_EQ(file.TakeFromPipe(ends[0], 100), 4) << "who writes must not wait for room";
  EXPECT_EQ(file.lost_bytes(), 4u);
  EXPECT_THROW(file.Append("an error for who asked"), Error);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace bv::logd
