#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/remote.h"
#include "rpc/buffer.h"
#include "rpc/xdr_codec.h"
#include "rpc/xdr_describe.h"

// A client that costs as little as possible: blocking, frames made with the project's codec, no client library between
// the stopwatch and the daemon. Everything here throws Failure when the daemon misbehaves.
namespace bench {

struct Failure : std::runtime_error {
  using runtime_error::runtime_error;
};
[[noreturn]] inline void Die(const std::string& message) { throw Failure(message); }

// One call as bytes on the wire. `args` is null for a call without arguments.
std::string EncodeCall(const bv::rpc::Program& program, int procedure, const bv::xdr::Type* type, const void* args);
template <typename Proc>
std::string EncodeCall(const typename Proc::Args& args) {
  return EncodeCall(Proc::program(), Proc::info.number, &bv::xdr::kType<typename Proc::Args>, &args);
}
template <typename Proc>
  requires std::is_void_v<typename Proc::Args>
std::string EncodeCall() {
  return EncodeCall(Proc::program(), Proc::info.number, nullptr, nullptr);
}

class Client {
 public:
  Client() = default;
  explicit Client(const std::string& path);  // connects
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client();

  bool TryConnect(const std::string& path);
  int fd() const { return fd_; }

  void Send(std::string_view frame);
  // The next frame that is a reply, events left out; payload only. An error reply ends the program.
  std::string Receive();
  std::string Exchange(std::string_view frame) {
    Send(frame);
    return Receive();
  }

  template <typename Proc>
  typename Proc::Ret Call(const typename Proc::Args& args) {
    return Decoded<Proc>(Exchange(EncodeCall<Proc>(args)));
  }
  template <typename Proc>
    requires std::is_void_v<typename Proc::Args>
  typename Proc::Ret Call() {
    return Decoded<Proc>(Exchange(EncodeCall<Proc>()));
  }
  // What every client does first: authentication, then CONNECT_OPEN of qemu:///system.
  void Open();

 private:
  template <typename Proc>
  static typename Proc::Ret Decoded(const std::string& payload) {
    using Ret = typename Proc::Ret;
    if constexpr (!std::is_void_v<Ret>) {
      Ret ret;
      bv::xdr::Decode(bv::xdr::kType<Ret>, {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}, &ret);
      return ret;
    }
  }
  int fd_ = -1;
};

}  // namespace bench
