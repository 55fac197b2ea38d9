// Compressed backups: what is read through them is what was written, wherever a kill struck, and a position
// finds its byte by the inode that the file had before.
#include "logd/compressor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "logd/compressed_file.h"
#include "logd/log_reader.h"
#include "logd/rotating_file.h"

namespace bv::logd {
namespace {

class CompressorTest : public testing::Test {
 protected:
  CompressorTest() {
    char name[] = "/tmp/bv_logd_XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/guest.log";
  }
  ~CompressorTest() override { std::filesystem::remove_all(directory_); }

  static std::string Lines(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
  }
  void Write(const std::string& text) { RotatingFile(path_, kLimits, false).Append(text); }
  static Task<std::optional<LogTurns::Held>> NotOpen(std::string) { co_return std::nullopt; }
  void CompressAll() {
    Compressor compressor(kLimits.max_backups, &NotOpen);
    compressor.Add(path_);
    auto wait = [&]() -> Task<> {
      while (!compressor.idle()) co_await Sleep(std::chrono::milliseconds(1));
      loop_.Quit();
    };
    Spawn(wait(), "wait");
    loop_.Run();
  }
  std::string All(std::uint64_t inode = 0) { return ReadLog(path_, kLimits.max_backups, {inode, 0}, 1 << 20); }

  static constexpr RotationLimits kLimits{1000, 5, true};
  Loop loop_;
  std::string directory_, path_;
};

TEST_F(CompressorTest, BackupsAreReplacedAndReadAlike) {
  std::string text = Lines(0, 1000);
  Write(text);
  std::string before = All();
  std::uint64_t inode = InodeOf(BackupName(path_, 2));
  std::string tail = ReadLog(path_, 5, {inode, 17}, 1500);
  CompressAll();
  for (unsigned i = 0; i < kLimits.max_backups; ++i) {
    EXPECT_FALSE(FileExists(BackupName(path_, i)));
    EXPECT_NE(CompressedInode(CompressedName(path_, i)), 0u);
  }
  EXPECT_FALSE(FileExists(CompressingName(path_)));
  EXPECT_EQ(All(), before);
  EXPECT_TRUE(text.ends_with(before));
  EXPECT_EQ(CompressedInode(CompressedName(path_, 2)), inode);
  EXPECT_EQ(ReadLog(path_, 5, {inode, 17}, 1500), tail);
}

TEST_F(CompressorTest, CompressedBackupsShiftWithThePlainOnes) {
  Write(Lines(0, 150));
  CompressAll();
  Write(Lines(150, 300));
  EXPECT_EQ(All(), Lines(0, 300));
  CompressAll();
  EXPECT_EQ(All(), Lines(0, 300));
  Write(Lines(300, 1000));
  std::string kept = All();
  EXPECT_TRUE(Lines(0, 1000).ends_with(kept));
  EXPECT_GT(kept.size(), 5 * 920u);
  EXPECT_FALSE(FileExists(CompressedName(path_, 5)));
}

TEST_F(CompressorTest, KilledBetweenTheRenameAndTheRemoval) {
  Write(Lines(0, 150));
  Fd plain(open(BackupName(path_, 0).c_str(), O_RDONLY));
  CompressTo(CompressedName(path_, 0), plain.get());
  EXPECT_EQ(All(), Lines(0, 150)) << "both are there: nothing is read twice";
  CompressAll();
  EXPECT_FALSE(FileExists(BackupName(path_, 0)));
  EXPECT_EQ(All(), Lines(0, 150));
}

TEST_F(CompressorTest, KilledWhileItWrites) {
  Write(Lines(0, 150));
  WriteFileAtomic(CompressingName(path_), "the first half of");
  EXPECT_EQ(All(), Lines(0, 150));
  CompressAll();
  EXPECT_FALSE(FileExists(CompressingName(path_)));
  EXPECT_EQ(All(), Lines(0, 150));
}

TEST_F(CompressorTest, SomebodyElsesFileIsLeftAlone) {
  Write(Lines(0, 150));
  WriteFileAtomic(CompressedName(path_, 0), "not ours");
  CompressAll();
  EXPECT_EQ(ReadFile(CompressedName(path_, 0)), "not ours");
  EXPECT_TRUE(FileExists(BackupName(path_, 0)));
}

TEST_F(CompressorTest, DamageEndsAtTheDamage) {
  std::string text = Lines(0, 150);
  Write(text);
  CompressAll();
  std::string bytes = ReadFile(CompressedName(path_, 0));
  for (std::size_t cut : {std::size_t{3}, std::size_t{30}, bytes.size() - 1}) {
    WriteFileAtomic(CompressedName(path_, 0), bytes.substr(0, cut));
    EXPECT_TRUE(All().ends_with(ReadFile(path_))) << cut;
  }
}

}  // namespace
}  // namespace bv::logd
