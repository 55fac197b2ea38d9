#include "qemu/port_allocator.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"

namespace bv::qemu {
namespace {

// Whether binding `port` on all addresses of a family works. A family that the host lacks is free.
bool CanBind(int family, unsigned port) {
  Fd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno == EAFNOSUPPORT;
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in6 address6{};
  sockaddr_in address4{};
  sockaddr* address = reinterpret_cast<sockaddr*>(&address4);
  socklen_t size = sizeof address4;
  if (family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    address6.sin6_family = AF_INET6;
    address6.sin6_port = htons(static_cast<uint16_t>(port));
    address6.sin6_addr = in6addr_any;
    address = reinterpret_cast<sockaddr*>(&address6);
    size = sizeof address6;
  } else {
    address4.sin_family = AF_INET;
    address4.sin_port = htons(static_cast<uint16_t>(port));
    address4.sin_addr.s_addr = htonl(INADDR_ANY);
  }
  return bind(fd.get(), address, size) == 0 || errno != EADDRINUSE;
}

}  // namespace

unsigned PortAllocator::Acquire() {
  for (unsigned port = first_; port <= last_; ++port) {
    if (taken_.contains(port) || !CanBind(AF_INET6, port) || !CanBind(AF_INET, port)) continue;
    taken_.insert(port);
    return port;
  }
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
              fmt::format("Unable to find an unused port in range '{}' ({}-{})", what_, first_, last_));
}

}  // namespace bv::qemu
