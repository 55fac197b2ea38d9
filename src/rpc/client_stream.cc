#include "rpc/client.h"

namespace bv::rpc {

namespace {

constexpr size_t kReceiveLimit = 1 << 20;
constexpr size_t kSendWindow = 1 << 20;

}  // namespace

ClientStream::~ClientStream() {
  if (!open()) return;
  header_.type = MessageType::kStream;
  header_.status = Status::kError;
  client_->connection_->Send(header_, {});
  Closed(nullptr);
}

bool ClientStream::Matches(const Header& header) const {
  return header.serial == header_.serial && header.proc == header_.proc && header.prog == header_.prog &&
         header.vers == header_.vers;
}

void ClientStream::OnPacket(const Frame& frame) {
  if (frame.header.type == MessageType::kStreamHole) {
    StreamHole hole;
    if (!xdr::Decode(kStreamHoleType, frame.payload, &hole) || hole.length < 1 || hole.flags) {
      return client_->connection_->Close();
    }
    return Push({.kind = Chunk::Kind::kHole, .hole = hole.length});
  }
  switch (frame.header.status) {
    case Status::kContinue:
      if (frame.payload.empty()) return Push({.kind = Chunk::Kind::kFinish});
      return Push({.kind = Chunk::Kind::kData, .data = {frame.payload.begin(), frame.payload.end()}});
    case Status::kOk: return Closed(nullptr);
    case Status::kError: {
      ErrorMessage message;
      bool decoded = xdr::Decode(kErrorMessageType, frame.payload, &message);
      return Closed(std::make_exception_ptr(
          decoded ? FromMessage(message) : Error(ErrorDomain::kRpc, ErrorCode::kRpc, "Unable to decode message payload")));
    }
  }
}

void ClientStream::Push(Chunk chunk) {
  if (ending_) return;  // nobody reads on, and the answer must come through
  received_bytes_ += chunk.data.size() + sizeof(Chunk);
  received_.push_back(std::move(chunk));
  if (!full_ && received_bytes_ > kReceiveLimit) {
    full_ = true;
    client_->HoldInput(+1);
  }
  arrived_.Pulse();
}

Task<ClientStream::Chunk> ClientStream::Read() {
  auto self = shared_from_this();
  while (received_.empty() && open()) co_await arrived_.Wait();
  if (received_.empty()) {
    if (error_) std::rethrow_exception(error_);
    co_return Chunk{};
  }
  Chunk chunk = std::move(received_.front());
  received_.pop_front();
  received_bytes_ -= chunk.data.size() + sizeof(Chunk);
  if (full_ && received_bytes_ < kReceiveLimit / 2) {
    full_ = false;
    if (client_) client_->HoldInput(-1);
  }
  co_return chunk;
}

Task<bool> ClientStream::Room() {
  auto self = shared_from_this();
  while (open() && !ending_ && client_->connection_->queued() > kSendWindow) co_await room_.Wait();
  co_return open() && !ending_;
}

Task<bool> ClientStream::Write(std::span<const uint8_t> data) {
  auto self = shared_from_this();
  while (!data.empty()) {
    bool room = co_await Room();
    if (!room) co_return false;
    auto part = data.first(std::min<size_t>(data.size(), kStreamChunk));
    data = data.subspan(part.size());
    header_.type = MessageType::kStream;
    header_.status = Status::kContinue;
    client_->connection_->Send(header_, part);
  }
  co_return open();
}

Task<bool> ClientStream::WriteHole(int64_t length) {
  auto self = shared_from_this();
  bool room = co_await Room();
  if (!room) co_return false;
  header_.type = MessageType::kStreamHole;
  header_.status = Status::kContinue;
  StreamHole hole{.length = length};
  xdr::Encode(kStreamHoleType, &hole, client_->connection_->Begin(header_));
  client_->connection_->End();
  co_return true;
}

Task<> ClientStream::End(Status status) {
  auto self = shared_from_this();
  if (open() && !ending_) {
    ending_ = true;
    if (full_) client_->HoldInput(-1);
    full_ = false;
    received_.clear();
    header_.type = MessageType::kStream;
    header_.status = status;
    client_->connection_->Send(header_, {});
  }
  while (open()) co_await arrived_.Wait();
  if (error_) std::rethrow_exception(error_);
}

void ClientStream::Closed(std::exception_ptr error) {
  if (!open()) return;
  auto client = std::exchange(client_, nullptr);
  std::erase(client->streams_, this);
  if (full_) client->HoldInput(-1);
  full_ = false;
  error_ = std::move(error);
  arrived_.Pulse();
  room_.Pulse();
}

}  // namespace bv::rpc
