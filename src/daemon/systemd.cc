#include "daemon/systemd.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace bv {

namespace {

// The first descriptor that is passed, by the protocol (sd_listen_fds(3)).
constexpr int kFirstFd = 3;

// Asked for again well before it is over; in microseconds, sd_notify(3).
constexpr char kMoreTime[] = "EXTEND_TIMEOUT_USEC=30000000";
constexpr std::chrono::seconds kAskEvery{10};

int NumberFrom(const char* variable) {
  const char* text = std::getenv(variable);
  int number = 0;
  if (text) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

// What a socket without a name listens on: its path, or its port's number.
std::string BoundTo(int fd) {
  union {
    sockaddr header;
    sockaddr_un local;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
  } address = {};
  socklen_t size = sizeof address;
  if (getsockname(fd, &address.header, &size) < 0) return {};
  switch (address.header.sa_family) {
    case AF_UNIX: return address.local.sun_path;
    case AF_INET: return std::to_string(ntohs(address.ip4.sin_port));
    case AF_INET6: return std::to_string(ntohs(address.ip6.sin6_port));
  }
  return {};
}

}  // namespace

ActivatedSockets ActivatedSockets::FromEnvironment() {
  ActivatedSockets sockets;
  int count = NumberFrom("LISTEN_PID") == getpid() ? NumberFrom("LISTEN_FDS") : 0;
  const char* text = std::getenv("LISTEN_FDNAMES");
  std::string names = text ? text : "";
  for (int fd = kFirstFd; fd < kFirstFd + count; ++fd) {
    auto end = names.find(':');
    std::string name = names.substr(0, end);
    names.erase(0, end == names.npos ? end : end + 1);
    if (name.empty()) name = BoundTo(fd);
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM) {
      throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                  "what the service manager passed as '" + name + "' is no stream socket");
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    sockets.by_name_[name].emplace_back(fd);
  }
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  return sockets;
}

std::vector<Fd> ActivatedSockets::Take(std::string_view name) {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return {};
  auto fds = std::move(found->second);
  by_name_.erase(found);
  return fds;
}

std::vector<std::string> ActivatedSockets::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, fds] : by_name_) names.push_back(name);
  return names;
}

ServiceManagerPatience::ServiceManagerPatience() : timer_([this] { Ask(); }) { Ask(); }

void ServiceManagerPatience::Ask() {
  NotifyServiceManager(kMoreTime);
  timer_.Start(kAskEvery);
}

void NotifyServiceManager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (!path || !*path || std::strlen(path) >= sizeof address.sun_path) return;
  std::size_t length = std::strlen(path);
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size);
}

}  // namespace bv
