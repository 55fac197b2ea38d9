#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "rpc/transport.h"

namespace bv::rpc {

namespace {

// The kernel's own limit for one message (SCM_MAX_FD): with room for that many none can get lost,
// and a peer that sends more than it announces is found out.
constexpr size_t kFdsPerRead = 253;

class SocketTransport : public Transport {
 public:
  explicit SocketTransport(Fd socket) : socket_(std::move(socket)) {
    sockaddr address{};
    socklen_t size = sizeof address;
    unix_ = getsockname(socket_.get(), &address, &size) == 0 && address.sa_family == AF_UNIX;
  }

  int fd() const override { return socket_.get(); }

  uint32_t WantedEvents(bool want_read, bool want_write) const override {
    return (want_read ? EPOLLIN : 0u) | (want_write ? EPOLLOUT : 0u);
  }

  Result Read(std::span<uint8_t> into, size_t& got, std::vector<Fd>& fds) override {
    ssize_t n = unix_ ? ReadWithFds(into, fds) : Retry([&] { return recv(fd(), into.data(), into.size(), MSG_DONTWAIT); });
    if (n == 0) return Result::kEnd;
    if (n < 0) return Failed();
    got = static_cast<size_t>(n);
    return Result::kDone;
  }

  Result Write(std::span<const iovec> parts, size_t& put) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    ssize_t n = Retry([&] { return sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
    if (n < 0) return Failed();
    put = static_cast<size_t>(n);
    return Result::kDone;
  }

  bool PassesFds() const override { return unix_; }

  Result SendFd(int passed) override {
    char zero = 0;
    iovec part{&zero, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
    return Retry([&] { return sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL); }) < 0 ? Failed() : Result::kDone;
  }

  bool secure() const override { return unix_; }
  bool plain() const override { return true; }

 private:
  template <typename F>
  static ssize_t Retry(F&& f) {
    ssize_t n;
    do {
      n = f();
    } while (n < 0 && errno == EINTR);
    return n;
  }

  static Result Failed() { return errno == EAGAIN || errno == EWOULDBLOCK ? Result::kAgain : Result::kError; }

  ssize_t ReadWithFds(std::span<uint8_t> into, std::vector<Fd>& fds) {
    iovec part{into.data(), into.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kFdsPerRead)];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = Retry([&] { return recvmsg(fd(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC); });
    if (n < 0 || message.msg_controllen == 0) return n;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int received;
        std::memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof received);
        fds.emplace_back(received);
      }
    }
    return n;
  }

  Fd socket_;
  bool unix_ = false;
};

}  // namespace

std::unique_ptr<Transport> MakeSocketTransport(Fd socket) { return std::make_unique<SocketTransport>(std::move(socket)); }

}  // namespace bv::rpc
