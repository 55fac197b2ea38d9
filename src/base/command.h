#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/task.h"
#include "base/wait.h"

namespace bv {

// A program to start. Never through a shell; a name without a slash is looked up in PATH.
struct Command {
  std::vector<std::string> argv;
  // What to execute when it is not what argv[0] names.
  std::string program;

  // Variables set for the child on top of ours, or instead of all of ours.
  std::vector<std::pair<std::string, std::string>> environment;
  bool clear_environment = false;

  // Descriptors of ours that the child gets under the given numbers; all others are closed. The
  // numbers 0 to 2 are /dev/null where nothing is said. Ours stay ours.
  struct FdMapping {
    int ours;
    int theirs;
  };
  std::vector<FdMapping> fds;

  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  // Supplementary groups; with a uid and none given, none are kept.
  std::vector<gid_t> groups;
  // Bits (1 << CAP_X) that survive the change of user; nullopt leaves the kernel's own rules.
  std::optional<std::uint64_t> capabilities;

  std::string directory = "/";
  std::optional<mode_t> file_mask;
  bool new_session = false;
  // A directory of cgroup v2 that the child is born in, and the files `tasks` of cgroup v1 that it
  // writes itself into before anything else. Both do without what makes `cgroup.procs` slow: that
  // waits for all processors of the host to have been through their scheduler (10 to 30 ms).
  std::string cgroup;
  std::vector<std::string> cgroup_tasks;
  std::vector<std::pair<int, rlimit>> limits;  // RLIMIT_X
  std::optional<int> oom_score_adjust;
  // Runs in the child when its descriptors are in place and before it changes its user; system calls
  // only, no allocation. 0 or an errno.
  std::function<int()> in_child;
};

// A started program. Destroying the object neither ends nor forgets the process: one whose end
// nobody awaits is reaped by the loop.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept = default;
  ~Child();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  // By pidfd, so never to another process that got the same number.
  void Signal(int signal_number) const;
  // The wait status (WIFEXITED...), or nullopt at the deadline. Awaited by one coroutine at a time.
  Task<std::optional<int>> Wait(Deadline deadline = kNever);

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
  bool reaped_ = false;
};

// Starts `command`, on a pool thread since copying a process and loading a program take their time.
// The descriptors it names must stay open until then. What fails up to and including exec is thrown
// as kSystemError (domain kNone).
Task<Child> Start(Command command);
// The same on this thread, for what runs on the pool already.
Child StartBlocking(const Command& command);

struct CommandResult {
  int status;  // as waitpid gives it
  std::string output;
  std::string errors;
  bool ok() const { return status == 0; }
  // "unexpected exit status 1", "unexpected fatal signal 9", as libvirt has it.
  std::string Describe() const;
};

// Starts `command` with `input` as its standard input and collects what it writes, up to `max`
// bytes a stream. At the deadline it is killed, and kOperationTimeout is thrown.
Task<CommandResult> Run(Command command, std::string input = {}, Deadline deadline = kNever,
                        std::size_t max = 16u << 20);

}  // namespace bv
