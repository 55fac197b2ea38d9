// What is removed after max_age_days, and what never is.
#include "logd/log_cleaner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.h"

namespace bv::logd {
namespace {

TEST(LogCleaner, KnowsLogsByTheirNames) {
  const std::pair<const char*, const char*> kNames[] = {
      {"vm.log", "vm.log"},       {"vm.log.0", "vm.log"},     {"vm.log.12.zst", "vm.log"}, {"a.b.log", "a.b.log"},
      {"vm.log.zst", ""},         {"vm.log.", ""},            {"vm.log.0x", ""},           {"vm.txt", ""},
      {".log", ""},               {"log", ""},                {"vm.log.0.gz", ""},         {"7", ""},
      {"vm.1.log", "vm.1.log"},   {"vm.log.new", ""},
  };
  for (auto [name, log] : kNames) EXPECT_EQ(LogOf(name), log) << name;
}

class LogCleanerTest : public testing::Test {
 protected:
  LogCleanerTest() {
    char name[] = "/tmp/bv_logd_XXXXXX";
    root_ = mkdtemp(name);
    MakeDirs(root_ + "/qemu/deeper");
  }
  ~LogCleanerTest() override { std::filesystem::remove_all(root_); }
  void Touch(const std::string& name, int days_old) {
    WriteFileAtomic(root_ + "/" + name, "x");
    timespec then[2] = {{time(nullptr) - days_old * 86400 - 60, 0}, {time(nullptr) - days_old * 86400 - 60, 0}};
    utimensat(AT_FDCWD, (root_ + "/" + name).c_str(), then, 0);
  }
  bool Has(const std::string& name) { return FileExists(root_ + "/" + name); }
  void Clean(unsigned days, const std::string& open = "") {
    LogCleaner cleaner(root_, days, [&](const std::string& path) { return path == root_ + "/" + open; });
    auto once = [&]() -> Task<> {
      co_await cleaner.Clean();
      loop_.Quit();
    };
    Spawn(once(), "clean");
    loop_.Run();
  }
  Loop loop_;
  std::string root_;
};

TEST_F(LogCleanerTest, RemovesALogAsAWhole) {
  for (const char* name : {"qemu/old.log", "qemu/old.log.0", "qemu/old.log.1.zst", "qemu/half.log.0", "top.log",
                           "qemu/notes.txt", "qemu/deeper/old.log"}) {
    Touch(name, 10);
  }
  Touch("qemu/half.log", 1);
  Clean(7);
  for (const char* name : {"qemu/old.log", "qemu/old.log.0", "qemu/old.log.1.zst", "top.log"}) EXPECT_FALSE(Has(name)) << name;
  for (const char* name : {"qemu/half.log", "qemu/half.log.0", "qemu/notes.txt", "qemu/deeper/old.log"}) {
    EXPECT_TRUE(Has(name)) << name;
  }
}

TEST_F(LogCleanerTest, KeepsWhatIsOpen) {
  Touch("qemu/quiet.log", 10);
  Touch("qemu/quiet.log.0", 20);
  Clean(7, "qemu/quiet.log");
  EXPECT_TRUE(Has("qemu/quiet.log"));
  EXPECT_TRUE(Has("qemu/quiet.log.0"));
}

}  // namespace
}  // namespace bv::logd
