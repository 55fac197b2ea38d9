#include "rpc/server_session.h"

#include <algorithm>

#include "base/log.h"
#include "base/loop.h"
#include "rpc/forward.h"
#include "rpc/server_call.h"
#include "rpc/server_stream.h"

namespace bv::rpc {

namespace {

// Queued output above which a client that does not read its events is let go.
constexpr size_t kEventLimit = 8 << 20;
// Queued output above which streams wait.
constexpr size_t kStreamWindow = 256 << 10;
// Queued output above which no further calls are read: a client that does not take its answers
// gets no more of them.
constexpr size_t kReplyLimit = 1 << 20;

Error RpcError(std::string detail) { return Error(ErrorDomain::kRpc, ErrorCode::kRpc, std::move(detail)); }

}  // namespace

std::shared_ptr<ServerSession> ServerSession::Make(Service& service, Workers& workers,
                                                   std::unique_ptr<Transport> transport, SessionOptions options,
                                                   std::function<void()> on_gone) {
  return std::make_shared<Session>(service, workers, std::move(transport), options, std::move(on_gone));
}

Session::Session(Service& service, Workers& workers, std::unique_ptr<Transport> transport, SessionOptions options,
                 std::function<void()> on_gone)
    : service_(service),
      workers_(workers),
      options_(options),
      on_gone_(std::move(on_gone)),
      connection_(std::make_shared<Connection>(std::move(transport), static_cast<Connection::Owner&>(*this),
                                                MessageType::kCallWithFds)) {
  readonly_ = options.readonly;
}

Session::~Session() {
  on_gone_ = nullptr;
  connection_->Close();
}

// --- what comes ----------------------------------------------------------------------------------

bool Session::WantsFrames() const {
  return running_ < options_.max_requests && input_holds_ == 0 && connection_->queued() < kReplyLimit;
}

void Session::OnFrame(Frame& frame) {
  if (keepalive_) keepalive_->Touch();
  if (IsKeepAlive(frame.header)) {
    if (frame.header.proc == kKeepAlivePing) connection_->Send(KeepAliveHeader(kKeepAlivePong), {});
    return;
  }
  switch (frame.header.type) {
    case MessageType::kCall:
    case MessageType::kCallWithFds: return OnCall(frame);
    case MessageType::kStream:
    case MessageType::kStreamHole: return OnStream(frame);
    default: return;  // nothing that a client may send; libvirt drops it as well
  }
}

void Session::OnCall(Frame& frame) {
  const Header& header = frame.header;
  auto refuse = [&](std::string text) { SendError(header, MessageType::kReply, RpcError(std::move(text))); };
  const Service::ServedProgram* served = service_.Find(header.prog, header.vers);
  if (!served) {
    return refuse(fmt::format("Cannot find program {} version {}", static_cast<int32_t>(header.prog),
                              static_cast<int32_t>(header.vers)));
  }
  if (header.status != Status::kOk) {
    return refuse(fmt::format("Unexpected message status {}", static_cast<uint32_t>(header.status)));
  }
  const Procedure* procedure = served->program->Find(header.proc);
  if (!procedure || procedure->info->kind != ProcedureKind::kCall) {
    return refuse(fmt::format("unknown procedure: {}", header.proc));
  }
  if (!authenticated_ && !procedure->info->preauth) return refuse("authentication required");

  if (service_.forwarder()) {
    ++running_;
    if (service_.forwarder()->TakeCall(*this, *procedure, frame)) return;
    --running_;
  }

  auto call = std::make_unique<SessionCall>(self(), *served, *procedure, header);
  if (!call->Decode(frame.payload)) return refuse("Unable to decode message payload");
  call->fds = std::move(frame.fds);
  ++running_;
  SessionCall::Start(std::move(call));
}

void Session::OnStream(Frame& frame) {
  for (SessionStream* stream : streams_) {
    if (!stream->Matches(frame.header)) continue;
    auto keep = stream->weak_from_this().lock();
    if (!stream->OnPacket(frame)) connection_->Close();
    return;
  }
  // Either another daemon's, or one that has just been closed: data may still be on its way.
  if (service_.forwarder()) service_.forwarder()->TakeStreamPacket(*this, frame);
}

void Session::OnProgress() {
  if (WantsFrames()) connection_->Resume();
  if (on_room_) on_room_();
  if (streams_.empty() || !StreamMayWrite()) return;
  for (SessionStream* stream : std::vector(streams_)) stream->OnRoom();
}

void Session::OnClosed() {
  auto keep = weak_from_this().lock();
  connected_ = false;
  keepalive_.reset();
  while (!streams_.empty()) streams_.back()->Discard();
  RunOnClose();
  if (running_ == 0) DropStates();
  // The list that holds this session may be what is being walked right now.
  if (on_gone_) Loop::Current().Post(std::exchange(on_gone_, nullptr));
}

// --- what goes -----------------------------------------------------------------------------------

void Session::SendReply(SessionCall& call, const void* ret) {
  if (!connected_) return;
  Header header = call.header();
  bool with_fds = !call.reply_fds.empty();
  if (with_fds && !connection_->transport().PassesFds()) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kArgumentUnsupported, "file descriptors cannot pass on this connection");
  }
  header.type = with_fds ? MessageType::kReplyWithFds : MessageType::kReply;
  header.status = Status::kOk;
  Buffer& out = connection_->Begin(header);
  try {
    if (with_fds) PutWord(out.Extend(kLengthSize), static_cast<uint32_t>(call.reply_fds.size()));
    if (ret) xdr::Encode(*call.procedure().ret, ret, out);
  } catch (...) {
    connection_->Cancel();
    throw;
  }
  connection_->End(std::move(call.reply_fds));
  if (wrap_) connection_->WrapTransport(std::exchange(wrap_, nullptr));
}

void Session::SendError(Header header, MessageType type, const Error& error) {
  if (!connected_) return;
  header.type = type;
  header.status = Status::kError;
  ErrorMessage message = ToMessage(error);
  xdr::Encode(kErrorMessageType, &message, connection_->Begin(header));
  connection_->End();
  wrap_ = nullptr;
}

void Session::SendEventMessage(const Program& program, int32_t number, const void* message) {
  if (!connected_ || doomed_) return;
  if (connection_->queued() + held_bytes_ > kEventLimit) {
    // Drivers send events while they walk their lists of listeners, which closing changes.
    LogWarn("rpc.netserverclient", "a client does not read its events and is disconnected");
    doomed_ = true;
    Loop::Current().Post([self = self()] { self->Close(); });
    return;
  }
  Header header{.prog = program.id,
                .vers = program.version,
                .proc = number,
                .type = MessageType::kMessage,
                .serial = 1,
                .status = Status::kOk};
  const Procedure* procedure = program.Find(number);
  std::function<Task<bool>()> ask;
  if (service_.event_check()) ask = service_.event_check()(*this, *procedure, message);
  bool hold = ask || sending_held_;
  Buffer held;
  Buffer& out = hold ? held : connection_->Begin(header);
  try {
    if (message) xdr::Encode(*procedure->msg, message, out);
  } catch (const Error& error) {
    LogWarn("rpc.netserverclient", "event {} was not sent: {}", procedure->info->name, error.what());
    if (!hold) connection_->Cancel();
    return;
  }
  if (!hold) return connection_->End();
  held_bytes_ += held.size();
  held_events_.push_back({header, std::move(held), std::move(ask)});
  if (!std::exchange(sending_held_, true)) Spawn(SendHeldEvents(self()), "events");
}

Task<> Session::SendHeldEvents(std::shared_ptr<Session> session) {
  while (!session->held_events_.empty()) {
    HeldEvent event = std::move(session->held_events_.front());
    session->held_events_.pop_front();
    bool allowed = true;
    if (event.ask && session->connected_) allowed = co_await event.ask();
    session->held_bytes_ -= event.payload.size();
    if (allowed && session->connected_) session->connection_->Send(event.header, event.payload.bytes());
  }
  session->sending_held_ = false;
}

void Session::SendFrame(Frame& frame) {
  if (!connected_) return;
  if (!frame.fds.empty() && !connection_->transport().PassesFds()) {
    return SendError(frame.header, MessageType::kReply,
                     Error(ErrorDomain::kRpc, ErrorCode::kArgumentUnsupported,
                           "file descriptors cannot pass on this connection"));
  }
  connection_->SendFrame(frame);
}

// --- calls, streams, keepalive -------------------------------------------------------------------

void Session::CallEnded(Workers::Slot slot) {
  bool was_full = !WantsFrames();
  --running_;
  if (!connected_ && running_ == 0) DropStates();
  workers_.Release(slot);
  if (was_full && connected_) connection_->Resume();
}

void Session::AddStream(SessionStream* stream) {
  if (connected_) {
    streams_.push_back(stream);
  } else {
    stream->Discard();
  }
}

void Session::RemoveStream(SessionStream* stream) { std::erase(streams_, stream); }

void Session::HoldInput(int change) {
  input_holds_ += change;
  // To read again, or to wait for input no longer.
  if (connected_ && (input_holds_ == 0 || change > 0)) connection_->Resume();
}

void Session::FailStreams(const Error& error) {
  while (!streams_.empty()) {
    auto stream = streams_.back()->shared_from_this();
    stream->Fail(error);
  }
}

bool Session::StreamMayWrite() const { return connection_->queued() < kStreamWindow; }

void Session::StartKeepAlive() {
  if (keepalive_ || options_.keepalive_interval.count() <= 0) return;
  keepalive_ = std::make_unique<KeepAlive>(
      options_.keepalive_interval, options_.keepalive_count,
      [this] { connection_->Send(KeepAliveHeader(kKeepAlivePing), {}); },
      [this] {
        LogWarn("rpc.keepalive", "a client does not answer and is disconnected");
        Loop::Current().Post([self = self()] { self->Close(); });
      });
  keepalive_->Start();
}

}  // namespace bv::rpc
