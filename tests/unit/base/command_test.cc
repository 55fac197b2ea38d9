// Command: output is captured, descriptors land where they should and nowhere else, failures to
// start are errors, and a child that overstays is killed.
#include "base/command.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

namespace bv {
namespace {

using namespace std::chrono_literals;

class CommandTest : public testing::Test {
 protected:
  CommandResult RunNow(Command command, std::string input = {}, Deadline deadline = kNever) {
    std::optional<CommandResult> result;
    Spawn(Collect(std::move(command), std::move(input), deadline, result), "test");
    loop_.Run();
    if (error_) std::rethrow_exception(error_);
    return std::move(*result);
  }
  Task<> Collect(Command command, std::string input, Deadline deadline, std::optional<CommandResult>& result) {
    try {
      result = co_await bv::Run(std::move(command), std::move(input), deadline);
    } catch (...) {
      error_ = std::current_exception();
    }
    loop_.Quit();
  }
  Loop loop_;
  std::exception_ptr error_;
};

TEST_F(CommandTest, CapturesBothStreamsAndTheStatus) {
  auto result = RunNow({.argv = {"sh", "-c", "cat; echo err >&2; exit 3"}}, "in\n");
  EXPECT_EQ(result.output, "in\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.Describe(), "unexpected exit status 3");
}

TEST_F(CommandTest, LargeInputAndOutputDoNotDeadlock) {
  std::string large(1 << 20, 'x');
  EXPECT_EQ(RunNow({.argv = {"cat"}}, large).output, large);
}

TEST_F(CommandTest, EnvironmentMaskAndDirectory) {
  Command command{.argv = {"/bin/sh", "-c", "echo $A; umask; pwd; env | wc -l"}};
  command.environment = {{"A", "b c"}, {"PATH", "/bin"}};
  command.clear_environment = true;
  command.file_mask = 027;
  command.directory = "/usr";
  EXPECT_EQ(RunNow(command).output, "b c\n0027\n/usr\n3\n");  // sh adds PWD
}

TEST_F(CommandTest, RunsAnotherProgramThanItsName) {
  EXPECT_EQ(RunNow({.argv = {"some-name", "-c", "echo $0"}, .program = "/bin/sh"}).output, "some-name\n");
}

TEST_F(CommandTest, DoesAsToldInTheChild) {
  Command command{.argv = {"/bin/sh", "-c", "echo after"}};
  command.in_child = [] { return write(1, "before\n", 7) == 7 ? 0 : errno; };
  EXPECT_EQ(RunNow(command).output, "before\nafter\n");
  command.in_child = [] { return ECONNREFUSED; };
  EXPECT_THROW(RunNow(command), Error);
}

TEST_F(CommandTest, PassesOnlyTheMappedDescriptors) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "hello", 5), 5);
  close(ends[1]);
  Command command{.argv = {"sh", "-c", "cat <&9; ls /proc/self/fd"}};
  command.fds.push_back({ends[0], 9});
  // ls has its own descriptor 3 for the directory
  EXPECT_EQ(RunNow(command).output, "hello0\n1\n2\n3\n9\n");
  close(ends[0]);
}

TEST_F(CommandTest, WhatCannotStartIsAnError) {
  try {
    RunNow({.argv = {"/nonexistent/program"}});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code, ErrorCode::kSystemError);
    EXPECT_EQ(e.int1, ENOENT);
  }
}

TEST_F(CommandTest, IsKilledAtTheDeadline) {
  EXPECT_THROW(RunNow({.argv = {"sleep", "60"}}, {}, In(20ms)), Error);
}

TEST_F(CommandTest, ChangesUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Command command{.argv = {"sh", "-c", "id -u; id -g; id -G"}};
  command.uid = 65534;
  command.gid = 65534;
  EXPECT_EQ(RunNow(command).output, "65534\n65534\n65534\n");
}

// A cgroup of its own below `hierarchy`; empty where none can be made.
class TemporaryCgroup {
 public:
  explicit TemporaryCgroup(const std::string& hierarchy) {
    auto wanted = hierarchy + "/" + name;
    if (access((hierarchy + "/cgroup.procs").c_str(), W_OK) == 0 && mkdir(wanted.c_str(), 0755) == 0) path = wanted;
  }
  ~TemporaryCgroup() {
    if (!path.empty()) rmdir(path.c_str());
  }
  std::string name = "busyvirt-command-test-" + std::to_string(getpid());
  std::string path;
};

TEST_F(CommandTest, StartsInCgroupsOfVersion1) {
  TemporaryCgroup group("/sys/fs/cgroup/freezer");
  if (group.path.empty()) GTEST_SKIP() << "no cgroup of version 1 can be made";
  Command command{.argv = {"cat", "/proc/self/cgroup"}};
  command.cgroup_tasks = {group.path + "/tasks"};
  EXPECT_NE(RunNow(command).output.find("freezer:/" + group.name), std::string::npos);
}

TEST_F(CommandTest, IsBornInACgroupOfVersion2) {
  TemporaryCgroup hybrid("/sys/fs/cgroup/unified"), pure(access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? "/sys/fs/cgroup" : "");
  auto& group = pure.path.empty() ? hybrid : pure;
  if (group.path.empty()) GTEST_SKIP() << "no cgroup of version 2 can be made";
  Command command{.argv = {"cat", "/proc/self/cgroup"}};
  command.cgroup = group.path;
  EXPECT_NE(RunNow(command).output.find("0::/" + group.name), std::string::npos);
}

TEST_F(CommandTest, ACgroupThatIsGoneIsAnError) {
  Command command{.argv = {"true"}};
  command.cgroup = "/nonexistent/cgroup";
  EXPECT_THROW(RunNow(command), Error);
}

}  // namespace
}  // namespace bv
