#include "daemon/reexec.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "daemon/server.h"

namespace bv {

namespace {

constexpr char kLog[] = "daemon";
constexpr std::chrono::seconds kCheckLimit{20};
// What a new image may take until it serves, with all guests found again; the clients wait.
constexpr unsigned kServeSeconds = 30;
constexpr char kCameBack[] = "BUSYVIRT_CAME_BACK";

StartedAs& Remembered() {
  static StartedAs started;
  return started;
}

// Whether this is the file that we run.
bool IsOurs(const std::string& path) {
  struct stat candidate, running;
  return stat(path.c_str(), &candidate) == 0 && stat("/proc/self/exe", &running) == 0 &&
         candidate.st_ino == running.st_ino && candidate.st_dev == running.st_dev;
}

// Where a name without a directory has come from: by the search path, or by somebody who executes one
// file under many names.
std::string InPath(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (std::string rest = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; !rest.empty();) {
    auto colon = rest.find(':');
    std::string candidate = rest.substr(0, colon) + "/" + name;
    if (IsOurs(candidate)) return candidate;
    rest.erase(0, colon == rest.npos ? colon : colon + 1);
  }
  char target[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", target, sizeof target);
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : name;
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

Error Unfit(const std::string& why) {
  return Error(ErrorDomain::kNone, ErrorCode::kInternalError, Started().path + " cannot go on for us: " + why);
}

std::string LastLine(const std::string& text) {
  auto end = text.find_last_not_of('\n');
  if (end == text.npos) return {};
  auto begin = text.rfind('\n', end);
  return text.substr(begin == text.npos ? 0 : begin + 1, end - (begin == text.npos ? 0 : begin + 1) + 1);
}

// libvirt's own virtlogd and virtlockd read the same state, but have no option to ask them first: they
// complain about it by name, and tell their version as libvirt's programs do.
Task<bool> IsOriginal(const Personality& personality, std::string complaint) {
  if (personality.ServesRemote() || complaint.find("check-state") == complaint.npos) co_return false;
  Command version{.argv = {Started().path, "--version"}};
  auto result = co_await Run(std::move(version), {}, In(kCheckLimit));
  co_return result.ok() && result.output.find("(libvirt)") != std::string::npos;
}

}  // namespace

void RememberStart(int argc, char** argv) {
  StartedAs& started = Remembered();
  started.argv.assign(argv, argv + argc);
  started.path = started.argv[0];
  if (started.path.find('/') == std::string::npos) started.path = InPath(started.path);
  char directory[PATH_MAX];
  if (started.path.front() != '/' && getcwd(directory, sizeof directory)) {
    started.path = std::string(directory) + "/" + started.path;
  }
}

const StartedAs& Started() { return Remembered(); }

Task<bool> CheckImage(const Personality& personality, std::string state_file) {
  Command check{.argv = Started().argv};
  std::string name = BaseName(check.argv[0]);
  check.argv[0] = Started().path;
  // As `busyvirt NAME`, where the file does not say who we are.
  if (BaseName(Started().path) != name) check.argv.insert(check.argv.begin() + 1, name);
  check.argv.push_back("--check-state");
  check.argv.push_back(std::move(state_file));
  auto result = co_await Run(std::move(check), {}, In(kCheckLimit));
  if (result.ok() && result.output == kStateAccepted) co_return false;
  std::string complaint = LastLine(result.errors);
  if (co_await IsOriginal(personality, result.errors)) co_return true;
  throw Unfit(complaint.empty() ? "its check " + result.Describe() : complaint);
}

void ExecuteAnew(bool original) {
  std::vector<std::string> words = Started().argv;
  auto argv = Pointers(words);
  sigset_t none, blocked;
  sigemptyset(&none);
  if (original) pthread_sigmask(SIG_SETMASK, &none, &blocked);
  execv(Started().path.c_str(), argv.data());
  Error error = SystemError(ErrorDomain::kNone, "cannot execute " + Started().path);
  if (original) pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
  throw error;
}

std::optional<upgrade::SavedDaemon> FindState(const std::string& state_file) {
  struct stat info;
  if (lstat(state_file.c_str(), &info) < 0) return std::nullopt;
  try {
    if (!S_ISREG(info.st_mode) || info.st_uid != geteuid()) throw SystemError(ErrorDomain::kNone, EPERM, state_file);
    auto state = upgrade::Parse(ReadFile(state_file, upgrade::kMaxState));
    auto started = StartTimeOf(state.pid);
    bool alive = started && (!state.start_time || state.start_time == started);
    if (alive && state.pid == getpid()) return state;
    // Somebody else may be between its exec and its start.
    if (!alive) unlink(state_file.c_str());
  } catch (const std::exception& e) {
    LogError(kLog, "{}: {}", state_file, e.what());
  }
  return std::nullopt;
}

// --- the way back --------------------------------------------------------------------------------

namespace {

// Made before it may be needed, because a signal handler cannot make anything.
struct Return {
  int image;
  std::vector<int> fds;
  std::vector<std::string> words, variables;
  std::vector<char*> argv, environment;
};
Return* way_back = nullptr;

constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

void GoBack() {
  for (int fd : way_back->fds) fcntl(fd, F_SETFD, 0);
  syscall(SYS_execveat, way_back->image, "", way_back->argv.data(), way_back->environment.data(), AT_EMPTY_PATH);
}

void OnCrash(int number) {
  GoBack();
  signal(number, SIG_DFL);
  raise(number);
}

// A new image that hangs, on the loop or off it, goes back; one that cannot is left to go on.
void OnDeadline(int) { GoBack(); }

// What an exec has let through.
std::vector<int> InheritedNumbers() {
  std::vector<int> numbers;
  for (const std::string& name : ListDirectory("/proc/self/fd")) {
    int fd = std::atoi(name.c_str());
    int flags = fcntl(fd, F_GETFD);
    if (fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC)) numbers.push_back(fd);
  }
  return numbers;
}

}  // namespace

WayBack::WayBack(const std::optional<upgrade::SavedDaemon>& state) {
  if (std::getenv(kCameBack)) {
    unsetenv(kCameBack);
    LogError(kLog, "the new image did not start: going on with the old one");
    return;
  }
  if (!state || state->image < 0) return;
  way_back = new Return{.image = state->image, .fds = InheritedNumbers(), .words = Started().argv};
  for (char** variable = environ; *variable; ++variable) way_back->variables.push_back(*variable);
  way_back->variables.push_back(std::string(kCameBack) + "=1");
  way_back->argv = Pointers(way_back->words);
  way_back->environment = Pointers(way_back->variables);
  struct sigaction action {};
  action.sa_handler = OnCrash;
  action.sa_flags = SA_NODEFER;
  for (int number : kCrashes) sigaction(number, &action, nullptr);
  action.sa_handler = OnDeadline;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  alarm(kServeSeconds);
}

WayBack::~WayBack() { Close(); }

void WayBack::Take() {
  if (!way_back) return;
  GoBack();
  LogError(kLog, "cannot go back to the old image: {}", std::strerror(errno));
}

void WayBack::Close() {
  if (!way_back) return;
  alarm(0);
  signal(SIGALRM, SIG_DFL);
  for (int number : kCrashes) signal(number, SIG_DFL);
  close(way_back->image);
  delete std::exchange(way_back, nullptr);
}

}  // namespace bv
