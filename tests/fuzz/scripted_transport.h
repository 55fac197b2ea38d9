#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "rpc/transport.h"

namespace bv::rpc {

// A peer that says what a fuzzer made up: two bytes of length before each piece that one read
// returns, the top bit for a descriptor that comes with it; then it hangs up. Takes everything
// that is written, at most 1,000 bytes at a time.
class ScriptedTransport : public Transport {
 public:
  explicit ScriptedTransport(std::span<const uint8_t> script) : script_(script), ready_(eventfd(1, EFD_NONBLOCK)) {}

  int fd() const override { return ready_.get(); }
  uint32_t WantedEvents(bool want_read, bool) const override { return want_read ? EPOLLIN : 0u; }

  Result Read(std::span<uint8_t> into, size_t& got, std::vector<Fd>& fds) override {
    if (script_.size() < 2) return Result::kEnd;
    size_t size = (script_[0] & 0x7f) << 8 | script_[1];
    if (script_[0] & 0x80) fds.emplace_back(eventfd(0, 0));
    script_ = script_.subspan(2);
    got = std::min({size, script_.size(), into.size()});
    std::copy_n(script_.begin(), got, into.begin());
    script_ = script_.subspan(got);
    return got ? Result::kDone : Result::kAgain;
  }
  Result Write(std::span<const iovec> parts, size_t& put) override {
    put = 0;
    for (const iovec& part : parts) put += part.iov_len;
    put = std::min<size_t>(put, 1000);
    return Result::kDone;
  }
  bool PassesFds() const override { return true; }
  Result SendFd(int) override { return Result::kDone; }
  bool secure() const override { return true; }

 private:
  std::span<const uint8_t> script_;
  Fd ready_;
};

}  // namespace bv::rpc
