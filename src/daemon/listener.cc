#include "daemon/listener.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/log.h"

namespace bv {

namespace {

constexpr int kAcceptBatch = 16;
constexpr std::chrono::seconds kRest{1};

[[noreturn]] void Fail(const std::string& what) { throw SystemError(ErrorDomain::kRpc, what); }

// Empty, with errno, where the host has no such address or somebody else has the port there.
Fd ListenOn(const addrinfo& address, int backlog) {
  Fd fd(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fd;
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // An IPv6 wildcard would take the IPv4 port along, which has its own socket.
  if (address.ai_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd.get(), address.ai_addr, address.ai_addrlen) < 0) {
    if (errno != EADDRINUSE && errno != EADDRNOTAVAIL) Fail("Unable to bind to port");
    int failure = errno;
    fd.Reset();
    errno = failure;
    return fd;
  }
  if (listen(fd.get(), backlog) < 0) Fail("Unable to listen on socket");
  return fd;
}

}  // namespace

Fd ListenUnix(const UnixSocketOptions& options) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (options.path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    Fail(fmt::format("Path {} too long for unix socket", options.path));
  }
  std::strcpy(address.sun_path, options.path.c_str());
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) Fail("Failed to create socket");
  // The pid file's lock says that whoever made a socket here is gone.
  unlink(options.path.c_str());
  mode_t mask = umask(static_cast<mode_t>(~options.mode & 0777u));
  int bound = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  umask(mask);
  if (bound < 0) Fail(fmt::format("Failed to bind socket to '{}'", options.path));
  if (options.group != static_cast<gid_t>(-1) && chown(options.path.c_str(), static_cast<uid_t>(-1), options.group) < 0) {
    Fail(fmt::format("Failed to change group ID of '{}' to {}", options.path, options.group));
  }
  if (listen(fd.get(), options.backlog) < 0) Fail("Unable to listen on socket");
  return fd;
}

std::vector<Fd> ListenTcp(const std::optional<std::string>& host, const std::string& port, int backlog) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (int failed = getaddrinfo(host ? host->c_str() : nullptr, port.c_str(), &hints, &list)) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kSystemError,
                fmt::format("Unable to resolve address '{}' service '{}': {}", host.value_or("*"), port,
                            gai_strerror(failed)));
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<Fd> sockets;
  int failure = 0;
  for (const addrinfo* at = list; at; at = at->ai_next) {
    Fd fd = ListenOn(*at, backlog);
    if (!fd) failure = errno;
    if (fd) sockets.push_back(std::move(fd));
  }
  // As in libvirt, one is enough.
  if (sockets.empty()) throw SystemError(ErrorDomain::kRpc, failure, "Unable to bind to port");
  if (failure) LogWarn("rpc.netsocket", "not every address can be had for port {}: {}", port, std::strerror(failure));
  return sockets;
}

Listener::Listener(Fd socket, std::string own_path, OnClient on_client)
    : socket_(std::move(socket)),
      own_path_(std::move(own_path)),
      on_client_(std::move(on_client)),
      watch_(socket_.get(), 0, [this](std::uint32_t) { Accept(); }),
      rest_([this] { UpdateWatch(); }) {}

Listener::~Listener() {
  if (!own_path_.empty()) unlink(own_path_.c_str());
}

void Listener::SetAccepting(bool accepting) {
  accepting_ = accepting;
  UpdateWatch();
}

void Listener::UpdateWatch() { watch_.SetEvents(accepting_ && !rest_.running() ? static_cast<std::uint32_t>(EPOLLIN) : 0); }

void Listener::Accept() {
  for (int count = 0; count < kAcceptBatch && accepting_; ++count) {
    Fd client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      on_client_(std::move(client));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      LogError("rpc.netserver", "cannot accept a connection: {}", std::strerror(errno));
      rest_.Start(kRest);
      UpdateWatch();
    }
    return;
  }
}

}  // namespace bv
