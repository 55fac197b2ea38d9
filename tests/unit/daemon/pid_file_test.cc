#include "daemon/pid_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"

namespace bv {
namespace {

TEST(PidFileTest, OneHolderAtATime) {
  std::string path = "/tmp/pid_file_test." + std::to_string(getpid());
  {
    PidFile file(path);
    // Another process, as the lock is a process's.
    pid_t child = fork();
    if (child == 0) {
      try {
        PidFile second(path);
        _exit(0);
      } catch (const Error&) {
        _exit(42);
      }
    }
    int status;
    waitpid(child, &status, 0);
    EXPECT_EQ(42, WEXITSTATUS(status));
    // Last: closing any descriptor of the file gives a POSIX lock up.
    EXPECT_EQ(std::to_string(getpid()), ReadFile(path));
  }
  EXPECT_FALSE(FileExists(path));
}

TEST(PidFileTest, TakesOverWhatACrashLeft) {
  std::string path = "/tmp/pid_file_test." + std::to_string(getpid());
  WriteFileAtomic(path, "99999999");
  PidFile file(path);
  EXPECT_EQ(std::to_string(getpid()), ReadFile(path));
}

}  // namespace
}  // namespace bv
