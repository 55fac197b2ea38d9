#pragma once

#include "rpc/connection.h"
#include "rpc/server.h"

namespace bv::rpc {

// Takes messages of clients as they are, without decoding them: how a proxy serves. Set with
// Service::set_forwarder().
class Forwarder {
 public:
  virtual ~Forwarder() = default;

  // Takes a call that has passed the gate of authentication, or leaves it to the handlers (false).
  // What was taken counts as running until session.ForwardedCallEnded(), whoever answers it.
  virtual bool TakeCall(ServerSession& session, const Procedure& procedure, Frame& frame) = 0;
  // A stream packet that belongs to no stream of a handler.
  virtual void TakeStreamPacket(ServerSession& session, Frame& frame) = 0;
};

}  // namespace bv::rpc
