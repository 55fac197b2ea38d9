// The way from guests' pipes into their files: all of it, in order, until the last writer is gone, whoever holds
// the log in between.
#include "logd/log_turns.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/wait.h"

namespace bv::logd {
namespace {

constexpr std::size_t kMostDiscarded = 64u << 20;

class LogTurnsTest : public testing::Test {
 protected:
  LogTurnsTest() {
    char name[] = "/tmp/bv_logd_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~LogTurnsTest() override {
    turns_->Close();
    std::filesystem::remove_all(directory_);
  }

  struct Log {
    Fd write_end;
    std::shared_ptr<LogTurns::Log> log;
    std::string path;
  };
  Log Open(const std::string& name, RotationLimits limits = {0, 0}) {
    Log log;
    log.path = directory_ + "/" + name;
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    log.write_end.Reset(ends[1]);
    ++open_;
    RotatingFile file(log.path, limits, false);
    file.on_discard = [this](Fd old) { turns_->Discard(std::move(old)); };
    log.log = turns_->Add(LogPump(std::move(file), Fd(ends[0])), [this] {
      if (--open_ == 0) all_ended_.Set();
    });
    return log;
  }
  static void Write(int fd, std::string_view data, std::size_t step) {
    while (!data.empty()) {
      auto written = write(fd, data.data(), std::min(step, data.size()));
      ASSERT_GT(written, 0);
      data.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  static std::string Text(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i) text += std::to_string(i) + " a guest says something\n";
    return text;
  }

  // Runs the loop until `task` has ended.
  void Run(Task<> task) {
    auto then_quit = [](Loop& loop, Task<> task) -> Task<> {
      co_await std::move(task);
      loop.Quit();
    };
    Spawn(then_quit(loop_, std::move(task)), "test");
    loop_.Run();
  }
  void RunUntilAllHaveEnded() {
    auto wait = [](Event& ended) -> Task<> { co_await ended.Wait(); };
    Run(wait(all_ended_));
  }
  Task<> TakeAll(std::shared_ptr<LogTurns::Log> log) {
    auto held = co_await turns_->Hold(log);
    auto take = [&pump = held->pump()] { pump.TakeAll(); };
    co_await Offload(std::move(take));
  }

  Loop loop_;
  std::shared_ptr<LogTurns> turns_ = LogTurns::Make(kMostDiscarded);
  int open_ = 0;
  Event all_ended_;
  std::string directory_;
};

TEST_F(LogTurnsTest, EverythingArrivesUntilTheLastWriterGoes) {
  std::string text = Text(40000);
  std::vector<Log> logs;
  std::vector<std::thread> writers;
  for (std::size_t step : {std::size_t{1 << 20}, std::size_t{65536}, std::size_t{4096}, std::size_t{80}, std::size_t{7777}}) {
    logs.push_back(Open(std::to_string(step)));
    writers.emplace_back([fd = logs.back().write_end.Release(), step, &text] {
      Write(fd, text, step);
      close(fd);
    });
  }
  RunUntilAllHaveEnded();
  for (auto& writer : writers) writer.join();
  for (auto& log : logs) EXPECT_TRUE(ReadFile(log.path) == text) << log.path;
}

TEST_F(LogTurnsTest, FloodsRollOverAtTheLimitAndLoseNothing) {
  std::string text = Text(40000);
  Log log = Open("rolled", {131072, 20});
  std::thread writer([fd = log.write_end.Release(), &text] {
    Write(fd, text, 65536);
    close(fd);
  });
  RunUntilAllHaveEnded();
  writer.join();
  std::string all;
  for (unsigned i = 20; i-- > 0;) {
    std::string part = ReadFileIfExists(BackupName(log.path, i)).value_or("");
    EXPECT_LE(part.size(), 131072u);
    EXPECT_TRUE(part.empty() || part.size() > 131072 - 80) << i;
    all += part;
  }
  EXPECT_TRUE(all + ReadFile(log.path) == text);
}

TEST_F(LogTurnsTest, WhatWasWrittenCanBeTakenAtOnce) {
  Log log = Open("now");
  Write(log.write_end.get(), "said before you asked", 100);
  Run(TakeAll(log.log));
  EXPECT_EQ(ReadFile(log.path), "said before you asked");
}

// Many at once, so that all threads are busy and others wait; each is held now and then.
TEST_F(LogTurnsTest, AHeldLogHasNoTurnAndGoesOnAfterwards) {
  std::string text = Text(40000);
  std::vector<Log> logs;
  std::vector<std::thread> writers;
  for (int i = 0; i < 12; ++i) {
    logs.push_back(Open("held" + std::to_string(i), {300000, 20}));
    writers.emplace_back([fd = logs.back().write_end.Release(), &text] {
      Write(fd, text, 5000);
      close(fd);
    });
  }
  int held_times = 0;
  auto hold_often = [&]() -> Task<> {
    while (open_ > 0) {
      for (Log& log : logs) {
        auto held = co_await turns_->Hold(log.log);
        RotatingFile& file = held->pump().file();
        LogPosition before = file.position();
        EXPECT_EQ(turns_->LookAt(*log.log).file, file.fd());
        co_await Sleep(std::chrono::milliseconds(1));
        EXPECT_EQ(file.position().inode, before.inode);
        EXPECT_EQ(file.position().offset, before.offset);
        file.Append("");
        ++held_times;
      }
    }
  };
  Run(hold_often());
  for (auto& writer : writers) writer.join();
  EXPECT_GT(held_times, 0);
  for (auto& log : logs) {
    std::string all;
    for (unsigned i = 20; i-- > 0;) all += ReadFileIfExists(BackupName(log.path, i)).value_or("");
    EXPECT_TRUE(all + ReadFile(log.path) == text) << log.path;
  }
}

TEST_F(LogTurnsTest, HoldersComeOneAfterTheOther) {
  Log log = Open("one");
  std::string order;
  auto hold = [&](char name) -> Task<> {
    auto held = co_await turns_->Hold(log.log);
    order += name;
    co_await Sleep(std::chrono::milliseconds(1));
    order += name;
  };
  Spawn(hold('a'), "a");
  Spawn(hold('b'), "b");
  Run(hold('c'));
  EXPECT_EQ(order, "aabbcc");
}

TEST_F(LogTurnsTest, WhatIsWrittenWhileItIsHeldStaysInThePipe) {
  Log log = Open("later");
  auto story = [&]() -> Task<> {
    {
      auto held = co_await turns_->Hold(log.log);
      Write(log.write_end.get(), "later", 100);
      co_await Sleep(std::chrono::milliseconds(5));
      EXPECT_EQ(ReadFile(log.path), "");
    }
    log.write_end.Reset();
  };
  Run(story());
  RunUntilAllHaveEnded();
  EXPECT_EQ(ReadFile(log.path), "later");
}

// Bytes of files that have no name any more and are open still.
std::size_t DroppedBytes(const std::string& directory) {
  std::size_t bytes = 0;
  for (const std::string& fd : ListDirectory("/proc/self/fd")) {
    std::error_code gone;
    std::string path = std::filesystem::read_symlink("/proc/self/fd/" + fd, gone);
    struct stat info;
    if (path.starts_with(directory) && path.ends_with(" (deleted)") && fstat(std::stoi(fd), &info) == 0)
      bytes += static_cast<std::size_t>(info.st_size);
  }
  return bytes;
}

TEST_F(LogTurnsTest, DroppedFilesAreFreedLaterButNotTooManyOfThem) {
  constexpr std::size_t kLimit = 4u << 20, kEach = 60u << 20;
  std::vector<Log> logs;
  std::vector<std::thread> writers;
  std::string block(65536, 'x');
  for (int i = 0; i < 3; ++i) {
    logs.push_back(Open("flood" + std::to_string(i), {kLimit, 1}));
    writers.emplace_back([fd = logs.back().write_end.Release(), &block] {
      for (std::size_t sent = 0; sent < kEach; sent += block.size()) Write(fd, block, block.size());
      close(fd);
    });
  }
  std::size_t most = 0;
  auto watch = [&]() -> Task<> {
    while (open_ > 0) {
      most = std::max(most, DroppedBytes(directory_));
      co_await Sleep(std::chrono::milliseconds(1));
    }
    for (int tries = 0; tries < 2000 && DroppedBytes(directory_) > 0; ++tries) co_await Sleep(std::chrono::milliseconds(1));
  };
  Run(watch());
  for (auto& writer : writers) writer.join();
  EXPECT_LE(most, kMostDiscarded + 3 * 2 * kLimit);  // and what each is about to close by itself
  EXPECT_EQ(DroppedBytes(directory_), 0u);
}

}  // namespace
}  // namespace bv::logd
