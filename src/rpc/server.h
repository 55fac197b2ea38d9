#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "base/loop.h"
#include "rpc/connection.h"
#include "rpc/service.h"
#include "rpc/transport.h"
#include "rpc/workers.h"

namespace bv::rpc {

// What a server allows each of its clients.
struct SessionOptions {
  uint32_t max_requests = 5;  // unanswered calls, then the connection is not read
  Clock::duration keepalive_interval = std::chrono::seconds(5);  // zero or less: no pings
  uint32_t keepalive_count = 5;
  bool readonly = false;
};

// One accepted connection. Its maker holds it in a list until `on_gone` says that the client has
// gone, which comes once, from the loop and never from within StartServing().
class ServerSession : public ClientSession {
 public:
  // `service` and `workers` outlive the session's last call.
  static std::shared_ptr<ServerSession> Make(Service& service, Workers& workers, std::unique_ptr<Transport> transport,
                                             SessionOptions options, std::function<void()> on_gone);

  virtual void StartServing() = 0;

  // For a Forwarder: passes a message on to the client; answers a call that cannot be forwarded;
  // ends a call that was taken.
  virtual void SendFrame(Frame& frame) = 0;
  virtual void SendCallError(const Header& call, const Error& error) = 0;
  virtual void ForwardedCallEnded() = 0;
  // Queued for the client and not sent; `on_room` is called whenever it became less.
  virtual size_t queued() const = 0;
  virtual void set_on_room(std::function<void()> on_room) = 0;
  // Reads no more from the client until it is called with -1 as often as with +1.
  virtual void HoldInput(int change) = 0;

  // For a process image that takes the client over: see Connection::Save(). The client is held and
  // has no calls running; streams do not survive.
  virtual std::optional<SavedConnection> SaveConnection() const = 0;
  // Before StartServing().
  virtual void RestoreConnection(SavedConnection saved) = 0;
  virtual const SessionOptions& options() const = 0;
  virtual bool keeps_alive() const = 0;
  // A call runs, a stream is open, or an event waits for somebody's leave.
  virtual bool busy() const = 0;
  // Ends every open stream with this error.
  virtual void FailStreams(const Error& error) = 0;

  // Calls that run or wait for a slot.
  virtual uint32_t running_calls() const = 0;
  // Open streams.
  virtual size_t streams() const = 0;

  // Puts a layer over the transport (SASL): what was queued before, and the reply to the running
  // call, leave without it; everything after goes through it.
  using Wrap = std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport>)>;
  virtual void WrapTransport(Wrap wrap) = 0;
};

}  // namespace bv::rpc
