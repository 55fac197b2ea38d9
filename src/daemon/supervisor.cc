#include "daemon/supervisor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "daemon/listener.h"
#include "daemon/paths.h"

namespace bv {

namespace {

constexpr char kLog[] = "supervisor";
constexpr int kFirstFd = 3;  // of those that are passed
constexpr int kBacklog = 1000;
constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60};
// One that ran this long before it crashed starts again with the first pause.
constexpr std::chrono::seconds kGoodRun{60};
constexpr std::chrono::seconds kStopLimit{15};

bool SomebodyListens(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
}

}  // namespace

struct Supervisor::Unit {
  const Personality* personality = nullptr;
  std::vector<Fd> sockets;
  std::string names;  // for LISTEN_FDNAMES
  std::vector<std::string> paths;
  std::vector<std::unique_ptr<FdWatch>> watches;
  pid_t pid = 0;  // 0: not running
  Deadline started{};
  std::chrono::seconds pause = kFirstPause;
  std::unique_ptr<Timer> restart;
};

Supervisor::Supervisor(std::span<const Personality* const> daemons, const SuperviseOptions& options)
    : environment_(MakeEnvironment()), options_(options), kill_timer_([this] { Signal(SIGKILL); }) {
  mode_t mask = umask(environment_.privileged ? 022 : 077);
  MakeDirs(environment_.state_dir, environment_.privileged ? 0755 : 0700);
  umask(mask);
  for (const Personality* personality : daemons) {
    Unit& unit = units_.emplace_back();
    unit.personality = personality;
    unit.restart = std::make_unique<Timer>([this, &unit] { Start(unit); });
    OpenSockets(unit);
    WatchSockets(unit, true);
  }
  for (int number : {SIGTERM, SIGINT, SIGQUIT}) {
    signals_.push_back(std::make_unique<SignalWatch>(number, [this] { Stop(); }));
  }
  for (int number : {SIGHUP, SIGUSR1}) {
    signals_.push_back(std::make_unique<SignalWatch>(number, [this, number] { Signal(number); }));
  }
  signals_.push_back(std::make_unique<SignalWatch>(SIGCHLD, [this] { Reap(); }));
}

Supervisor::~Supervisor() {
  for (const Unit& unit : units_) {
    for (const std::string& path : unit.paths) unlink(path.c_str());
  }
}

int Supervisor::Run() {
  Loop::Current().Run();
  return 0;
}

void Supervisor::OpenSockets(Unit& unit) {
  const Personality& personality = *unit.personality;
  bool open_to_all = environment_.privileged && personality.ServesRemote();
  struct {
    const char* suffix;
    const char* unit;
    mode_t mode;
    bool wanted;
  } kinds[] = {{"-sock", "", static_cast<mode_t>(open_to_all ? 0666 : 0600), true},
               {"-sock-ro", "-ro", 0666, open_to_all},
               {"-admin-sock", "-admin", 0600, true}};
  for (const auto& kind : kinds) {
    if (!kind.wanted) continue;
    std::string path = SocketPath(personality, environment_.state_dir, kind.suffix);
    if (SomebodyListens(path)) {
      throw Error(ErrorDomain::kNone, ErrorCode::kOperationInvalid, path + " is served by somebody already");
    }
    UnixSocketOptions options{.path = path, .mode = kind.mode, .backlog = kBacklog};
    unit.sockets.push_back(ListenUnix(options));
    unit.paths.push_back(path);
    AddName(unit, kind.unit);
  }
  if (!personality.HasTcp()) return;
  for (auto [wanted, unit_suffix, port] : {std::tuple(options_.tcp, "-tcp", "16509"), std::tuple(options_.tls, "-tls", "16514")}) {
    if (!wanted) continue;
    for (Fd& fd : ListenTcp(std::nullopt, port, kBacklog)) {
      unit.sockets.push_back(std::move(fd));
      AddName(unit, unit_suffix);
    }
  }
}

void Supervisor::AddName(Unit& unit, std::string_view suffix) {
  unit.names += fmt::format("{}{}{}.socket", unit.names.empty() ? "" : ":", unit.personality->name, suffix);
}

void Supervisor::WatchSockets(Unit& unit, bool watch) {
  unit.watches.clear();
  if (!watch || stopping_) return;
  for (const Fd& socket : unit.sockets) {
    unit.watches.push_back(std::make_unique<FdWatch>(socket.get(), EPOLLIN, [this, &unit](std::uint32_t) { Start(unit); }));
  }
}

void Supervisor::Start(Unit& unit) {
  if (unit.pid != 0 || stopping_) return;
  WatchSockets(unit, false);
  // All that needs memory is made before the fork. The number of the process is known only after it.
  std::string name(unit.personality->name);
  char pid_variable[32] = "LISTEN_PID=";
  std::string count = fmt::format("LISTEN_FDS={}", unit.sockets.size());
  std::string fd_names = "LISTEN_FDNAMES=" + unit.names;
  std::vector<char*> variables;
  for (char** variable = environ; *variable; ++variable) {
    if (!std::string_view(*variable).starts_with("LISTEN_") && !std::string_view(*variable).starts_with("NOTIFY_SOCKET=")) {
      variables.push_back(*variable);
    }
  }
  variables.insert(variables.end(), {pid_variable, count.data(), fd_names.data(), nullptr});
  std::string idle = std::to_string(options_.idle.count());
  const char* arguments[] = {name.c_str(), "--timeout", idle.c_str(), nullptr};

  pid_t pid = fork();
  if (pid < 0) {
    LogError(kLog, "cannot start {}: {}", name, std::strerror(errno));
    unit.restart->Start(unit.pause);
    return;
  }
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    setsid();
    // Out of the way of the numbers they are going to get.
    int above = kFirstFd + static_cast<int>(unit.sockets.size());
    std::vector<Fd>& sockets = unit.sockets;
    for (Fd& socket : sockets) socket = Fd(fcntl(socket.Release(), F_DUPFD_CLOEXEC, above));
    for (std::size_t i = 0; i < sockets.size(); ++i) dup2(sockets[i].get(), kFirstFd + static_cast<int>(i));
    std::snprintf(pid_variable, sizeof pid_variable, "LISTEN_PID=%d", static_cast<int>(getpid()));
    execve("/proc/self/exe", const_cast<char* const*>(arguments), variables.data());
    _exit(127);
  }
  unit.pid = pid;
  unit.started = Clock::now();
  LogInfo(kLog, "started {} as process {}", name, pid);
}

void Supervisor::Reap() {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    auto unit = std::ranges::find(units_, pid, &Unit::pid);
    if (unit != units_.end()) Ended(*unit, status);
  }
  if (stopping_) StopNext();
}

void Supervisor::Ended(Unit& unit, int wait_status) {
  unit.pid = 0;
  if (stopping_) return;
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
    unit.pause = kFirstPause;
    WatchSockets(unit, true);
    return;
  }
  if (Clock::now() - unit.started > kGoodRun) unit.pause = kFirstPause;
  LogError(kLog, "{} {} {}; next start in {} s", unit.personality->name,
           WIFSIGNALED(wait_status) ? "was ended by signal" : "ended with status",
           WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status), unit.pause.count());
  unit.restart->Start(unit.pause);
  unit.pause = std::min(unit.pause * 2, std::chrono::seconds(kLongestPause));
}

void Supervisor::Signal(int number) {
  for (const Unit& unit : units_) {
    if (unit.pid != 0) kill(unit.pid, number);
  }
}

void Supervisor::Stop() {
  if (stopping_) return;
  stopping_ = true;
  for (Unit& unit : units_) {
    WatchSockets(unit, false);
    unit.restart->Stop();
  }
  kill_timer_.Start(kStopLimit);
  StopNext();
}

void Supervisor::StopNext() {
  bool users_run = std::ranges::any_of(units_, [](const Unit& u) { return u.pid != 0 && u.personality->ServesRemote(); });
  bool any_run = false;
  for (const Unit& unit : units_) {
    if (unit.pid == 0) continue;
    any_run = true;
    if (unit.personality->ServesRemote() == users_run) kill(unit.pid, SIGTERM);
  }
  if (!any_run) Loop::Current().Quit();
}

}  // namespace bv
