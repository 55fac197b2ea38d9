#pragma once

#include <span>
#include <string_view>

#include "rpc/procedure.h"

namespace bv {

// A modular daemon that a connection may want: what virtproxyd forwards to, and what clients fall back to.
struct Backend {
  std::string_view scheme;  // of the URIs that name it: "qemu", "network"
  std::string_view daemon;  // "virtqemud"; its socket is daemon + "-sock"
  bool hypervisor;
};

// Those that a connection without a URI may mean first, in that order.
std::span<const Backend> Backends();
// By a URI's scheme; null for one that no daemon serves.
const Backend* FindBackend(std::string_view scheme);
// Where a procedure goes on a connection to a hypervisor: that hypervisor itself (null), or the
// daemon that has the networks, pools, ...
const Backend* BackendOf(const rpc::Program& program, const rpc::Procedure& procedure);

}  // namespace bv
