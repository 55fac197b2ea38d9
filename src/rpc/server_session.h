#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "rpc/connection.h"
#include "rpc/keepalive.h"
#include "rpc/server.h"

// The session behind ServerSession::Make; only src/rpc uses it.

namespace bv::rpc {

class SessionCall;
class SessionStream;

class Session final : public ServerSession, private Connection::Owner {
 public:
  Session(Service& service, Workers& workers, std::unique_ptr<Transport> transport, SessionOptions options,
          std::function<void()> on_gone);
  ~Session() override;

  void StartServing() override { connection_->Start(); }
  void SendFrame(Frame& frame) override;
  void SendCallError(const Header& call, const Error& error) override {
    SendError(call, MessageType::kReply, error);
  }
  void ForwardedCallEnded() override { CallEnded(Workers::Slot::kNone); }
  size_t queued() const override { return connection_->queued(); }
  void set_on_room(std::function<void()> on_room) override { on_room_ = std::move(on_room); }
  void HoldInput(int change) override;
  std::optional<SavedConnection> SaveConnection() const override { return connection_->Save(); }
  void RestoreConnection(SavedConnection saved) override { connection_->Restore(std::move(saved)); }
  const SessionOptions& options() const override { return options_; }
  bool keeps_alive() const override { return keepalive_ != nullptr; }
  bool busy() const override { return running_ > 0 || !streams_.empty() || sending_held_; }
  void FailStreams(const Error& error) override;
  uint32_t running_calls() const override { return running_; }
  size_t streams() const override { return streams_.size(); }
  void WrapTransport(Wrap wrap) override { wrap_ = std::move(wrap); }
  void CloseAfterFlush() override { connection_->CloseAfterFlush(); }
  void Close() override { connection_->Close(); }
  bool secure() const override { return connected_ && connection_->transport().secure(); }
  void StartKeepAlive() override;

  Service& service() { return service_; }
  Workers& workers() { return workers_; }
  Connection& connection() { return *connection_; }
  std::shared_ptr<Session> self() { return std::static_pointer_cast<Session>(shared_from_this()); }

  // The answer to `call`; null for none. Throws when the value cannot be sent (a list over its limit).
  void SendReply(SessionCall& call, const void* ret);
  void SendError(Header header, MessageType type, const Error& error);
  // The call has been answered and lets go of its slot.
  void CallEnded(Workers::Slot slot);

  void AddStream(SessionStream* stream);
  void RemoveStream(SessionStream* stream);
  bool StreamMayWrite() const;

 private:
  void OnFrame(Frame& frame) override;
  bool WantsFrames() const override;
  void OnProgress() override;
  void OnClosed() override;

  void OnCall(Frame& frame);
  void OnStream(Frame& frame);
  void SendEventMessage(const Program& program, int32_t number, const void* message) override;
  // Sends events for which somebody has to be asked, and what came after them, in order.
  static Task<> SendHeldEvents(std::shared_ptr<Session> session);

  struct HeldEvent {
    Header header;
    Buffer payload;
    std::function<Task<bool>()> ask;
  };

  Service& service_;
  Workers& workers_;
  const SessionOptions options_;
  std::function<void()> on_gone_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<KeepAlive> keepalive_;
  std::vector<SessionStream*> streams_;
  uint32_t running_ = 0;
  int input_holds_ = 0;  // streams that are full, and what a forwarder holds
  std::function<void()> on_room_;
  std::deque<HeldEvent> held_events_;
  size_t held_bytes_ = 0;
  bool sending_held_ = false;
  bool doomed_ = false;  // to be closed for not reading its events
  Wrap wrap_;            // to be applied after the reply to the running call
};

}  // namespace bv::rpc
