#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"

namespace bv {

// A bound, listening Unix socket that takes the place of one a dead daemon left behind. Errors are
// kSystemError (domain kRpc).
struct UnixSocketOptions {
  std::string path;
  mode_t mode = 0700;
  gid_t group = static_cast<gid_t>(-1);  // -1: our own
  int backlog = 128;
};
Fd ListenUnix(const UnixSocketOptions& options);

// One socket for each address that `host` (none: any) and `port` (number or service) stand for, as far as they
// can be had: one at least.
// Blocks for name look-ups: for start-up only.
std::vector<Fd> ListenTcp(const std::optional<std::string>& host, const std::string& port, int backlog);

// Accepts connections on a listening socket while accepting is on, a few at a time so that a storm
// of them cannot keep the loop. Out of descriptors it rests for a moment rather than spin.
class Listener {
 public:
  using OnClient = std::function<void(Fd client)>;

  // Removes `own_path`, if there is one, in the end.
  Listener(Fd socket, std::string own_path, OnClient on_client);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void SetAccepting(bool accepting);
  int fd() const { return socket_.get(); }

 private:
  void Accept();
  void UpdateWatch();

  Fd socket_;
  std::string own_path_;
  OnClient on_client_;
  bool accepting_ = false;
  FdWatch watch_;
  Timer rest_;
};

}  // namespace bv
