#include "rpc/client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace bv::rpc {

namespace {

Error Lost() { return Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "client socket is closed"); }
Error BadReply() { return Error(ErrorDomain::kRpc, ErrorCode::kRpc, "Unable to decode message payload"); }

std::exception_ptr DecodeError(const Frame& frame) {
  ErrorMessage message;
  if (!xdr::Decode(kErrorMessageType, frame.payload, &message)) return std::make_exception_ptr(BadReply());
  return std::make_exception_ptr(FromMessage(message));
}

}  // namespace

// Registers a call for as long as its coroutine waits.
class Client::Waiting {
 public:
  Waiting(Client& client, Pending& pending) : client_(client), serial_(pending.header.serial) {
    client_.pending_[serial_] = &pending;
  }
  ~Waiting() { client_.pending_.erase(serial_); }

 private:
  Client& client_;
  uint32_t serial_;
};

Client::Client(std::unique_ptr<Transport> transport)
    : connection_(std::make_shared<Connection>(std::move(transport), static_cast<Connection::Owner&>(*this),
                                               MessageType::kReplyWithFds)) {}

Client::~Client() {
  on_close_ = nullptr;
  on_room_ = nullptr;
  connection_->Close();
}

std::shared_ptr<Client> Client::Make(std::unique_ptr<Transport> transport) {
  std::shared_ptr<Client> client(new Client(std::move(transport)));
  client->connection_->Start();
  return client;
}

std::shared_ptr<Client> Client::Restore(SavedConnection saved) {
  std::shared_ptr<Client> client(new Client(MakeSocketTransport(Fd(saved.socket))));
  client->connection_->Restore(std::move(saved));
  client->connection_->Start();
  return client;
}

Task<std::shared_ptr<Client>> Client::Connect(std::string path, Deadline deadline) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) throw SystemError(ErrorDomain::kRpc, ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw SystemError(ErrorDomain::kRpc, "cannot create a socket");
  // A Unix socket connects at once or not at all; EAGAIN says that the server's queue is full.
  while (connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    int error = errno;
    if (error != EAGAIN || Clock::now() >= deadline) {
      throw SystemError(ErrorDomain::kRpc, error, fmt::format("Failed to connect socket to '{}'", path));
    }
    co_await Sleep(std::chrono::milliseconds(10));
  }
  co_return Make(MakeSocketTransport(std::move(socket)));
}

// --- calls ---------------------------------------------------------------------------------------

Header Client::NextHeader(const Program& program, int32_t number) {
  return {.prog = program.id, .vers = program.version, .proc = number, .serial = next_serial_++};
}

void Client::SendCall(Header header, const Procedure& procedure, const void* args, std::vector<Fd> fds) {
  if (connection_->closed()) throw Lost();
  header.type = fds.empty() ? MessageType::kCall : MessageType::kCallWithFds;
  Buffer& out = connection_->Begin(header);
  try {
    if (!fds.empty()) PutWord(out.Extend(kLengthSize), static_cast<uint32_t>(fds.size()));
    if (args) xdr::Encode(*procedure.args, args, out);
  } catch (...) {
    connection_->Cancel();
    throw;
  }
  connection_->End(std::move(fds));
}

Task<> Client::Invoke(const Program& program, int32_t number, const void* args, void* ret, Extra* extra) {
  auto self = shared_from_this();
  const Procedure& procedure = *program.Find(number);
  Pending pending{.header = NextHeader(program, number), .type = procedure.ret, .ret = ret};
  Waiting waiting(*this, pending);
  SendCall(pending.header, procedure, args, extra ? std::move(extra->fds) : std::vector<Fd>());
  bool answered = co_await pending.done.Wait(extra ? extra->deadline : kNever);
  if (!answered) throw Error(ErrorDomain::kRpc, ErrorCode::kOperationTimeout, procedure.info->name);
  if (pending.error) std::rethrow_exception(pending.error);
  if (extra) extra->reply_fds = std::move(pending.fds);
}

Task<std::shared_ptr<ClientStream>> Client::Open(const Program& program, int32_t number, const void* args) {
  auto self = shared_from_this();
  const Procedure& procedure = *program.Find(number);
  Pending pending{.header = NextHeader(program, number)};
  Waiting waiting(*this, pending);
  // Known before the call goes out: data may come ahead of the reply.
  std::shared_ptr<ClientStream> stream(new ClientStream(self, pending.header));
  streams_.push_back(stream.get());
  try {
    SendCall(pending.header, procedure, args, {});
    co_await pending.done.Wait();
    if (pending.error) std::rethrow_exception(pending.error);
  } catch (...) {
    stream->Closed(nullptr);
    throw;
  }
  co_return stream;
}

void Client::OnReply(Frame& frame) {
  auto found = pending_.find(frame.header.serial);
  if (found == pending_.end()) return;  // its caller has stopped waiting
  Pending& pending = *found->second;
  const Header& header = pending.header;
  if (header.prog != frame.header.prog || header.vers != frame.header.vers || header.proc != frame.header.proc) {
    return connection_->Close();
  }
  if (frame.header.status == Status::kError) {
    pending.error = DecodeError(frame);
  } else if (pending.type && !xdr::Decode(*pending.type, frame.payload, pending.ret)) {
    pending.error = std::make_exception_ptr(BadReply());
  }
  pending.fds = std::move(frame.fds);
  pending.done.Set();
}

// --- events --------------------------------------------------------------------------------------

void Client::SetEvent(const Program& program, int32_t number, std::function<void(const void*)> callback) {
  events_[{program.id, number}] = {program.Find(number), std::move(callback)};
}

void Client::OnEventFrame(const Frame& frame) {
  auto found = events_.find({frame.header.prog, frame.header.proc});
  if (found == events_.end() || frame.header.status != Status::kOk) return;
  // A copy: the callback may replace itself.
  EventHandler handler = found->second;
  const xdr::Type* type = handler.procedure->msg;
  if (!type) return handler.callback(nullptr);
  std::unique_ptr<void, void (*)(void*)> message(type->ops.make(), type->ops.destroy);
  if (xdr::Decode(*type, frame.payload, message.get())) {
    handler.callback(message.get());
  } else {
    LogWarn("rpc.netclient", "event {} could not be decoded", handler.procedure->info->name);
  }
}

// --- the connection ------------------------------------------------------------------------------

void Client::OnFrame(Frame& frame) {
  if (keepalive_) keepalive_->Touch();
  if (IsKeepAlive(frame.header)) {
    if (frame.header.proc == kKeepAlivePing) connection_->Send(KeepAliveHeader(kKeepAlivePong), {});
    return;
  }
  if (on_frame_) return on_frame_(frame);
  switch (frame.header.type) {
    case MessageType::kReply:
    case MessageType::kReplyWithFds: return OnReply(frame);
    case MessageType::kMessage: return OnEventFrame(frame);
    case MessageType::kStream:
    case MessageType::kStreamHole:
      for (ClientStream* stream : streams_) {
        if (!stream->Matches(frame.header)) continue;
        auto keep = stream->weak_from_this().lock();
        return stream->OnPacket(frame);
      }
      return;
    default: return connection_->Close();
  }
}

void Client::OnProgress() {
  if (on_room_) on_room_();
  for (ClientStream* stream : std::vector(streams_)) stream->room_.Pulse();
}

void Client::OnClosed() {
  auto keep = weak_from_this().lock();
  keepalive_.reset();
  for (auto& [serial, pending] : pending_) {
    if (pending->done.is_set()) continue;
    pending->error = std::make_exception_ptr(Lost());
    pending->done.Set();
  }
  while (!streams_.empty()) streams_.back()->Closed(std::make_exception_ptr(Lost()));
  if (on_close_) std::exchange(on_close_, nullptr)();
}

void Client::HoldInput(int change) {
  input_holds_ += change;
  if (input_holds_ == 0 && connected()) connection_->Resume();
}

void Client::StartKeepAlive(Clock::duration interval, uint32_t count) {
  keepalive_ = std::make_unique<KeepAlive>(
      interval, count, [this] { connection_->Send(KeepAliveHeader(kKeepAlivePing), {}); },
      [this] { Loop::Current().Post([connection = connection_] { connection->Close(); }); });
  keepalive_->Start();
}

}  // namespace bv::rpc
