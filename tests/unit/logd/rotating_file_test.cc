// Log files: nothing is lost or doubled at a roll-over, lines stay whole, the limit is exact, and
// reading by position follows a file through its renames.
#include "logd/rotating_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"

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

TEST_F(RotatingFileTest, ReadingFollowsTheInode) {
  RotatingFile file(path_, {10, 2}, false);
  file.Append("0123456");
  LogPosition middle = {file.position().inode, 3};
  file.Append("789abcdefghijk");
  EXPECT_EQ(ReadRotated(path_, 2, middle, 100), "3456789abcdefghijk");
  EXPECT_EQ(ReadRotated(path_, 2, middle, 5), "34567");
  // A file that is gone: from the oldest there is.
  EXPECT_EQ(ReadRotated(path_, 2, {1, 0}, 100), "0123456789abcdefghijk");
  EXPECT_THROW(ReadRotated(path_ + "x", 2, middle, 1), Error);
}

TEST_F(RotatingFileTest, FullDiskLosesDataAndSaysHowMuch) {
  RotatingFile file("/dev/full", {0, 0}, false);
  file.Append("gone");
  EXPECT_EQ(file.lost_bytes(), 4u);
}

}  // namespace
}  // namespace bv::logd
