#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "rpc/message.h"

namespace bench {

std::string EncodeCall(const bv::rpc::Program& program, int procedure, const bv::xdr::Type* type, const void* args) {
  bv::rpc::Buffer frame;
  frame.Extend(4);
  bv::rpc::Header header{.prog = program.id, .vers = program.version, .proc = procedure, .serial = 1};
  bv::xdr::Encode(bv::xdr::kType<bv::rpc::Header>, &header, frame);
  if (args) bv::xdr::Encode(*type, args, frame);
  uint32_t size = htonl(frame.size());
  memcpy(frame.data(), &size, sizeof(size));
  return {reinterpret_cast<char*>(frame.data()), frame.size()};
}

Client::Client(const std::string& path) {
  if (!TryConnect(path)) Die(path + ": " + strerror(errno));
}
Client::~Client() {
  if (fd_ >= 0) close(fd_);
}

bool Client::TryConnect(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return false;
  }
  fd_ = fd;
  return true;
}

void Client::Send(std::string_view frame) {
  while (!frame.empty()) {
    ssize_t n = send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) Die(std::string("send: ") + strerror(errno));
    frame.remove_prefix(n);
  }
}

namespace {

void ReadExactly(int fd, char* to, size_t size) {
  while (size) {
    ssize_t n = recv(fd, to, size, MSG_WAITALL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) Die(n ? std::string("recv: ") + strerror(errno) : "the daemon hung up");
    to += n;
    size -= n;
  }
}

}  // namespace

std::string Client::Receive() {
  for (;;) {
    char start[bv::rpc::kFrameStart];
    ReadExactly(fd_, start, sizeof(start));
    uint32_t words[7];
    memcpy(words, start, sizeof(words));
    for (uint32_t& word : words) word = ntohl(word);
    if (words[0] < bv::rpc::kFrameStart || words[0] > bv::rpc::kFrameMax) Die("a frame of an impossible length");
    std::string payload(words[0] - sizeof(start), '\0');
    ReadExactly(fd_, payload.data(), payload.size());
    if (words[4] != static_cast<uint32_t>(bv::rpc::MessageType::kReply)) continue;
    if (words[6] == static_cast<uint32_t>(bv::rpc::Status::kOk)) return payload;
    bv::rpc::ErrorMessage error;
    bv::xdr::Decode(bv::xdr::kType<bv::rpc::ErrorMessage>, {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}, &error);
    Die(fmt::format("procedure {} answers: {}", words[3], error.message.value_or("an error without text")));
  }
}

void Client::Open() {
  Call<bv::remote::proc::AuthList>();
  bv::remote::ConnectOpenArgs args{"qemu:///system", 0};
  Call<bv::remote::proc::ConnectOpen>(args);
}

}  // namespace bench
