#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/loop.h"
#include "rpc/message.h"

namespace bv::rpc {

// The keepalive program: PING and PONG are messages without a payload that either side may send.
inline constexpr uint32_t kKeepAliveProgram = 0x6b656570;
inline constexpr int32_t kKeepAlivePing = 1;
inline constexpr int32_t kKeepAlivePong = 2;

constexpr Header KeepAliveHeader(int32_t proc) {
  return {.prog = kKeepAliveProgram, .vers = 1, .proc = proc, .type = MessageType::kMessage};
}
inline bool IsKeepAlive(const Header& header) {
  return header.prog == kKeepAliveProgram && header.vers == 1 && header.type == MessageType::kMessage;
}

// Notices a peer that has fallen silent: after `interval` without a message it pings, and after
// `count` pings without one, and one more interval, it gives up.
class KeepAlive {
 public:
  KeepAlive(Clock::duration interval, uint32_t count, std::function<void()> ping,
            std::function<void()> give_up);

  void Start();
  // Something was received, whatever it was.
  void Touch() {
    if (timer_.running()) last_heard_ = Clock::now();
  }

 private:
  void Tick();

  const Clock::duration interval_;
  const uint32_t count_;
  std::function<void()> ping_, give_up_;
  Deadline last_heard_, last_ping_;
  uint32_t pings_ = 0;  // sent since then
  Timer timer_;
};

}  // namespace bv::rpc
