#include "base/command.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/files.h"

extern char** environ;

namespace bv {

namespace {

// What the child does between fork and exec, prepared so that it only makes system calls there. Bare
// ones for the user: the library's functions would look for the threads that our parent has.
class ChildSetup {
 public:
  ChildSetup(const Command& command, int report_fd) : command_(command), report_fd_(report_fd) {
    for (auto& word : command.argv) argv_.push_back(const_cast<char*>(word.c_str()));
    argv_.push_back(nullptr);
    MakeEnvironment();
    FindProgram();
    lowest_unused_ = 3;
    for (auto& mapping : command.fds) lowest_unused_ = std::max(lowest_unused_, mapping.theirs + 1);
    parked_.resize(command.fds.size());
  }

  // Nobody put the child into its cgroup of version 2, so it goes there by itself.
  void set_enters_cgroup() {
    if (!command_.cgroup.empty()) cgroup_file_ = command_.cgroup + "/cgroup.procs";
  }

  [[noreturn]] void Become() {
    int error = Prepare();
    if (error == 0) {
      execve(program_.c_str(), argv_.data(), environment_.data());
      error = errno;
    }
    [[maybe_unused]] auto written = write(report_fd_, &error, sizeof error);
    _exit(127);
  }

 private:
  void MakeEnvironment() {
    if (!command_.clear_environment) {
      for (char** variable = environ; *variable; ++variable) {
        if (!IsSetByCommand(*variable)) environment_.push_back(*variable);
      }
    }
    environment_strings_.reserve(command_.environment.size());
    for (auto& [name, value] : command_.environment) {
      environment_strings_.push_back(name + "=" + value);
      environment_.push_back(environment_strings_.back().data());
    }
    environment_.push_back(nullptr);
  }

  bool IsSetByCommand(const char* variable) const {
    return std::ranges::any_of(command_.environment, [&](auto& own) {
      return std::strncmp(variable, own.first.c_str(), own.first.size()) == 0 &&
             variable[own.first.size()] == '=';
    });
  }

  void FindProgram() {
    program_ = command_.program.empty() ? command_.argv.at(0) : command_.program;
    if (program_.find('/') != program_.npos) return;
    if (auto found = bv::FindProgram(program_)) program_ = std::move(*found);
  }

  // 0 or an errno.
  int Prepare() {
    ResetSignals();
    if (!cgroup_file_.empty()) {
      if (int error = WriteOnce(cgroup_file_.c_str(), "0")) return error;
    }
    for (auto& file : command_.cgroup_tasks) {
      if (int error = WriteOnce(file.c_str(), "0")) return error;
    }
    if (command_.oom_score_adjust) {
      char number[16];
      FormatInt(number, *command_.oom_score_adjust);
      if (int error = WriteOnce("/proc/self/oom_score_adj", number)) return error;
    }
    for (auto& [resource, limit] : command_.limits) {
      if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) < 0) return errno;
    }
    if (command_.new_session && setsid() < 0) return errno;
    if (command_.file_mask) umask(*command_.file_mask);
    if (int error = PlaceDescriptors()) return error;
    if (command_.in_child) {
      if (int error = command_.in_child()) return error;
    }
    if (int error = ChangeUser()) return error;
    return chdir(command_.directory.c_str()) < 0 ? errno : 0;
  }

  static void ResetSignals() {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
  }

  static int WriteOnce(const char* file, const char* text) {
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = write(fd, text, std::strlen(text)) < 0 ? errno : 0;
    close(fd);
    return error;
  }

  static void FormatInt(char* out, int value) {
    char digits[12];
    int count = 0;
    unsigned rest = value < 0 ? 0u - static_cast<unsigned>(value) : static_cast<unsigned>(value);
    do digits[count++] = static_cast<char>('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) *out++ = '-';
    while (count > 0) *out++ = digits[--count];
    *out = '\0';
  }

  int PlaceDescriptors() {
    // First out of the way of every target number, then into place: mappings may cross.
    report_fd_ = fcntl(report_fd_, F_DUPFD_CLOEXEC, lowest_unused_);
    if (report_fd_ < 0) return errno;
    for (std::size_t i = 0; i < command_.fds.size(); ++i) {
      parked_[i] = fcntl(command_.fds[i].ours, F_DUPFD_CLOEXEC, lowest_unused_);
      if (parked_[i] < 0) return errno;
    }
    for (int standard = 0; standard < 3; ++standard) {
      if (IsTarget(standard)) continue;
      int null = open("/dev/null", standard == 0 ? O_RDONLY : O_WRONLY);
      if (null < 0) return errno;
      if (null != standard) {
        dup2(null, standard);
        close(null);
      }
    }
    for (std::size_t i = 0; i < command_.fds.size(); ++i) {
      if (dup2(parked_[i], command_.fds[i].theirs) < 0) return errno;
    }
    return CloseOthers();
  }

  bool IsTarget(int number) const {
    return std::ranges::any_of(command_.fds, [=](auto& mapping) { return mapping.theirs == number; });
  }

  int CloseOthers() {
    for (int number = 3; number < lowest_unused_; ++number) {
      if (!IsTarget(number)) close(number);
    }
    // Everything above is closed by exec itself.
    constexpr unsigned kCloseRangeCloexec = 4;
    if (syscall(SYS_close_range, lowest_unused_, ~0u, kCloseRangeCloexec) == 0) return 0;
    for (int number = lowest_unused_; number < 4096; ++number) {
      if (number != report_fd_) fcntl(number, F_SETFD, FD_CLOEXEC);
    }
    return 0;
  }

  int ChangeUser() {
    if (command_.capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return errno;
    auto gid = command_.gid.value_or(0);
    if (command_.gid && syscall(SYS_setresgid, gid, gid, gid) < 0) return errno;
    if (command_.uid || !command_.groups.empty()) {
      if (geteuid() == 0 && syscall(SYS_setgroups, command_.groups.size(), command_.groups.data()) < 0) return errno;
    }
    auto uid = command_.uid.value_or(0);
    if (command_.uid && syscall(SYS_setresuid, uid, uid, uid) < 0) return errno;
    return command_.capabilities ? KeepCapabilities(*command_.capabilities) : 0;
  }

  static int KeepCapabilities(std::uint64_t bits) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    for (int i = 0; i < 2; ++i) {
      auto word = static_cast<std::uint32_t>(bits >> (32 * i));
      data[i] = {word, word, word};
    }
    for (int bit = 0; bit < 64; ++bit) {
      if (!(bits >> bit & 1)) prctl(PR_CAPBSET_DROP, bit, 0, 0, 0);  // EINVAL above the last one
    }
    if (syscall(SYS_capset, &header, data) < 0) return errno;
    for (int bit = 0; bit < 64; ++bit) {
      if ((bits >> bit & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) < 0) return errno;
    }
    return 0;
  }

  const Command& command_;
  int report_fd_;
  std::string program_, cgroup_file_;
  std::vector<char*> argv_;
  std::vector<std::string> environment_strings_;
  std::vector<char*> environment_;
  std::vector<int> parked_;
  int lowest_unused_;
};

std::pair<Fd, Fd> MakePipe(int flags) {
  int ends[2];
  if (pipe2(ends, flags) < 0) throw SystemError(ErrorDomain::kNone, "cannot create a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

// Takes a child's status when it has ended and nobody else will.
Task<> Reap(Child child) { co_await child.Wait(); }

// fork(), but into a cgroup if there is one, and with the child's pidfd. Where a sandbox or an old
// kernel has no such call, ENOSYS.
pid_t Clone(int cgroup, int& pidfd) {
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

}  // namespace

Child StartBlocking(const Command& command) {
  auto [report_read, report_write] = MakePipe(O_CLOEXEC);
  ChildSetup setup(command, report_write.get());
  Fd cgroup;
  if (!command.cgroup.empty()) {
    cgroup.Reset(open(command.cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!cgroup) throw SystemError(ErrorDomain::kNone, "cannot open " + command.cgroup);
  }

  // No signal handler of ours may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  pid_t pid = Clone(cgroup.get(), pidfd);
  if (pid < 0 && errno == ENOSYS) {
    setup.set_enters_cgroup();
    pid = fork();
    if (pid > 0) pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  }
  int fork_error = errno;
  if (pid == 0) setup.Become();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw SystemError(ErrorDomain::kNone, fork_error, "cannot fork");

  Fd process(pidfd);
  if (!process) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw SystemError(ErrorDomain::kNone, fork_error, "cannot watch a new process");
  }
  report_write.Reset();
  int error = 0;
  // Ends at exec, which closes the pipe, at the latest.
  ssize_t got;
  do got = read(report_read.get(), &error, sizeof error);
  while (got < 0 && errno == EINTR);
  if (got == sizeof error) {
    waitpid(pid, nullptr, 0);
    throw SystemError(ErrorDomain::kNone, error, "cannot execute " + command.argv[0]);
  }
  return Child(pid, std::move(process));
}

Task<Child> Start(Command command) {
  auto work = [command = std::move(command)] { return StartBlocking(command); };
  co_return co_await Offload(std::move(work));
}

Child::~Child() {
  if (pid_ < 0 || !pidfd_ || reaped_) return;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) Spawn(Reap(std::move(*this)), "reap a child");
}

void Child::Signal(int signal_number) const {
  if (!reaped_) syscall(SYS_pidfd_send_signal, pidfd_.get(), signal_number, nullptr, 0);
}

Task<std::optional<int>> Child::Wait(Deadline deadline) {
  if (!co_await Readable(pidfd_.get(), deadline)) co_return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  reaped_ = true;
  co_return status;
}

std::string CommandResult::Describe() const {
  if (WIFSIGNALED(status)) return "unexpected fatal signal " + std::to_string(WTERMSIG(status));
  return "unexpected exit status " + std::to_string(WEXITSTATUS(status));
}

namespace {

// Reads `fd` into `out` until its end, then sets `done`.
class Collector {
 public:
  Collector(Fd fd, std::size_t max)
      : fd_(std::move(fd)), max_(max), watch_(std::in_place, fd_.get(), EPOLLIN, [this](auto) { Read(); }) {}

  Event done;
  std::string text;

 private:
  void Read() {
    char buffer[65536];
    for (;;) {
      auto got = read(fd_.get(), buffer, sizeof buffer);
      if (got > 0) {
        text.append(buffer, std::min(static_cast<std::size_t>(got), max_ - text.size()));
        continue;
      }
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      watch_.reset();
      done.Set();
      return;
    }
  }

  Fd fd_;
  std::size_t max_;
  std::optional<FdWatch> watch_;
};

// Writes all of `text` into `fd`, which is closed behind it.
class Feeder {
 public:
  Feeder(Fd fd, std::string text) : fd_(std::move(fd)), text_(std::move(text)) {
    if (!text_.empty()) watch_.emplace(fd_.get(), EPOLLOUT, [this](auto) { Write(); });
    else fd_.Reset();
  }

 private:
  void Write() {
    auto written = write(fd_.get(), text_.data() + at_, text_.size() - at_);
    if (written > 0) at_ += static_cast<std::size_t>(written);
    bool again = written < 0 && (errno == EAGAIN || errno == EINTR);
    if (again || (written > 0 && at_ < text_.size())) return;
    watch_.reset();
    fd_.Reset();
  }

  Fd fd_;
  std::string text_;
  std::size_t at_ = 0;
  std::optional<FdWatch> watch_;
};

}  // namespace

Task<CommandResult> Run(Command command, std::string input, Deadline deadline, std::size_t max) {
  auto [stdin_read, stdin_write] = MakePipe(O_CLOEXEC);
  auto [stdout_read, stdout_write] = MakePipe(O_CLOEXEC);
  auto [stderr_read, stderr_write] = MakePipe(O_CLOEXEC);
  for (int ours : {stdin_write.get(), stdout_read.get(), stderr_read.get()}) {
    fcntl(ours, F_SETFL, O_NONBLOCK);
  }
  std::string program = command.argv.at(0);
  command.fds.push_back({stdin_read.get(), 0});
  command.fds.push_back({stdout_write.get(), 1});
  command.fds.push_back({stderr_write.get(), 2});
  Child child = co_await Start(std::move(command));
  stdin_read.Reset();
  stdout_write.Reset();
  stderr_write.Reset();

  Feeder feeder(std::move(stdin_write), std::move(input));
  Collector output(std::move(stdout_read), max);
  Collector errors(std::move(stderr_read), max);
  // The streams first: they may stay open in a grandchild after the child's end, and we want them.
  bool finished = co_await output.done.Wait(deadline) && co_await errors.done.Wait(deadline);
  auto status = finished ? co_await child.Wait(deadline) : std::nullopt;
  if (!status) {
    child.Signal(SIGKILL);
    co_await child.Wait();
    throw Error(ErrorDomain::kNone, ErrorCode::kOperationTimeout, program + " did not end in time");
  }
  CommandResult result{*status, std::move(output.text), std::move(errors.text)};
  co_return result;
}

}  // namespace bv
