#include "daemon/dial.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <memory>

#include "base/error.h"

namespace bv {

Fd DialTcp(const std::string& host, unsigned port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  auto service = std::to_string(port);
  if (int error = getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0) {
    auto text = fmt::format("Unable to resolve address '{}' service '{}': {}", host, service, gai_strerror(error));
    Error unknown(ErrorDomain::kRpc, ErrorCode::kSystemError, text);
    unknown.message = text;
    throw unknown;
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  int error = ECONNREFUSED;
  for (auto* at = found; at; at = at->ai_next) {
    Fd fd(socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (fd && connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0) {
      int on = 1;
      setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    error = errno;
  }
  throw SystemError(ErrorDomain::kRpc, error, fmt::format("unable to connect to server at '{}:{}'", host, port));
}

Fd DialUnix(const std::string& path) {
  auto what = fmt::format("Failed to connect socket to '{}'", path);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) throw SystemError(ErrorDomain::kRpc, ENAMETOOLONG, what);
  path.copy(name.sun_path, path.size());
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) throw SystemError(ErrorDomain::kRpc, what);
  return fd;
}

}  // namespace bv
