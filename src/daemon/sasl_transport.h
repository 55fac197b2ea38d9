#pragma once

#ifdef BV_WITH_SASL

#include <memory>

#include "daemon/sasl_library.h"
#include "rpc/transport.h"

namespace bv {

// A negotiation's connection object, kept by the transport after it.
using SaslConnection = std::shared_ptr<sasl_conn_t>;

// The layer that a SASL mechanism negotiated, over `inner`.
std::unique_ptr<rpc::Transport> MakeSaslTransport(const SaslLibrary& lib, SaslConnection connection,
                                                  std::unique_ptr<rpc::Transport> inner);

}  // namespace bv

#endif
