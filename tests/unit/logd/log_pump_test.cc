// The way from a guest's pipe into its file: all of it, in order, until the last writer is gone.
#include "logd/log_pump.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/wait.h"

namespace bv::logd {
namespace {

class LogPumpTest : public testing::Test {
 protected:
  LogPumpTest() {
    char name[] = "/tmp/bv_logd_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~LogPumpTest() override { std::filesystem::remove_all(directory_); }

  struct Log {
    Fd write_end;
    std::unique_ptr<LogPump> pump;
    std::string path;
  };
  Log Open(const std::string& name, RotationLimits limits = {0, 0}) {
    Log log;
    log.path = directory_ + "/" + name;
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    log.write_end.Reset(ends[1]);
    ++open_;
    log.pump = std::make_unique<LogPump>(RotatingFile(log.path, limits, false), Fd(ends[0]), [this] {
      if (--open_ == 0) loop_.Quit();
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

  Loop loop_;
  int open_ = 0;
  std::string directory_;
};

TEST_F(LogPumpTest, EverythingArrivesUntilTheLastWriterGoes) {
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
  loop_.Run();
  for (auto& writer : writers) writer.join();
  for (auto& log : logs) EXPECT_TRUE(ReadFile(log.path) == text) << log.path;
}

TEST_F(LogPumpTest, FloodsRollOverAtTheLimitAndLoseNothing) {
  std::string text = Text(40000);
  Log log = Open("rolled", {131072, 20});
  std::thread writer([fd = log.write_end.Release(), &text] {
    Write(fd, text, 65536);
    close(fd);
  });
  loop_.Run();
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

TEST_F(LogPumpTest, WhatWasWrittenCanBeTakenAtOnce) {
  Log log = Open("now");
  Write(log.write_end.get(), "said before you asked", 100);
  log.pump->TakeAll();
  EXPECT_EQ(ReadFile(log.path), "said before you asked");
}

}  // namespace
}  // namespace bv::logd
