#pragma once

#include <memory>
#include <string>

#include "rpc/client.h"

namespace bv {

// virtlogd or virtlockd, as the other daemons of the same user reach it.
struct Companion {
  std::string name;    // "virtlogd"
  std::string socket;
  bool privileged;
};

// Connects to it. Where nobody listens it is started first, as a daemon of its own that ends when nobody
// needs it: in session mode always, for the system's daemon only on hosts without systemd, whose units
// are the administrator's to start and stop. Throws kSystemError (domain kRpc) when it cannot be reached.
Task<std::shared_ptr<rpc::Client>> Connect(Companion companion);

}  // namespace bv
