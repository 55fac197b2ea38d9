#include "rpc/server_stream.h"

#include "rpc/server_session.h"

namespace bv::rpc {

namespace {

// Received and not taken by the driver: above, the client is not read any more.
constexpr size_t kReceiveLimit = 1 << 20;

}  // namespace

SessionStream::SessionStream(std::shared_ptr<Session> session, const Header& call, bool sparse)
    : session_(std::move(session)), header_(call), sparse_(sparse) {}

SessionStream::~SessionStream() {
  answered_ = true;  // or else there is nobody to tell
  if (open()) Fail(Error(ErrorDomain::kStreams, ErrorCode::kInternalError, "stream was dropped"));
}

bool SessionStream::Matches(const Header& header) const {
  return header.serial == header_.serial && header.proc == header_.proc && header.prog == header_.prog &&
         header.vers == header_.vers;
}

// --- what comes ----------------------------------------------------------------------------------

bool SessionStream::OnPacket(const Frame& frame) {
  if (frame.header.type == MessageType::kStreamHole) {
    StreamHole hole;
    if (!sparse_ || !xdr::Decode(kStreamHoleType, frame.payload, &hole) || hole.length < 0) return false;
    if (!finish_asked_ && !finish_given_) Push({.kind = Chunk::Kind::kHole, .hole = hole.length});
    return true;
  }
  switch (frame.header.status) {
    case Status::kContinue:
      if (!frame.payload.empty() && !finish_asked_ && !finish_given_) {
        Push({.kind = Chunk::Kind::kData, .data = {frame.payload.begin(), frame.payload.end()}});
      }
      return true;
    case Status::kOk:
      if (finish_asked_) return true;
      finish_asked_ = true;
      if (finish_given_) {
        Finish();
      } else {
        Push({.kind = Chunk::Kind::kFinish});
        room_.Pulse();
      }
      return true;
    case Status::kError:
      SendPacket(MessageType::kStream, Status::kOk);
      finish_asked_ = false;
      Closed();
      return true;
  }
  return false;
}

void SessionStream::Push(Chunk chunk) {
  // A hole takes no memory but its record.
  received_bytes_ += chunk.data.size() + sizeof(Chunk);
  received_.push_back(std::move(chunk));
  if (!full_ && received_bytes_ > kReceiveLimit) {
    full_ = true;
    session_->HoldInput(+1);
  }
  arrived_.Pulse();
}

Task<ServerStream::Chunk> SessionStream::Read() {
  auto self = shared_from_this();
  while (received_.empty() && open() && !finish_asked_) co_await arrived_.Wait();
  if (received_.empty() || (!open() && !finish_asked_)) co_return Chunk{};
  Chunk chunk = std::move(received_.front());
  received_.pop_front();
  received_bytes_ -= chunk.data.size() + sizeof(Chunk);
  if (full_ && received_bytes_ < kReceiveLimit / 2) {
    full_ = false;
    if (session_) session_->HoldInput(-1);
  }
  co_return chunk;
}

// --- what goes -----------------------------------------------------------------------------------

Task<bool> SessionStream::Room() {
  auto self = shared_from_this();
  while (open() && !finish_asked_ && (!answered_ || !session_->StreamMayWrite())) co_await room_.Wait();
  co_return open() && !finish_asked_;
}

Task<bool> SessionStream::Write(std::span<const uint8_t> data) {
  auto self = shared_from_this();
  while (!data.empty()) {
    bool room = co_await Room();
    if (!room) co_return false;
    auto part = data.first(std::min<size_t>(data.size(), kStreamChunk));
    data = data.subspan(part.size());
    SendPacket(MessageType::kStream, Status::kContinue, part);
  }
  co_return open() && !finish_asked_;
}

Task<bool> SessionStream::WriteHole(int64_t length) {
  auto self = shared_from_this();
  bool room = co_await Room();
  if (!room) co_return false;
  header_.type = MessageType::kStreamHole;
  header_.status = Status::kContinue;
  StreamHole hole{.length = length};
  xdr::Encode(kStreamHoleType, &hole, session_->connection().Begin(header_));
  session_->connection().End();
  co_return true;
}

void SessionStream::WriteEnd() {
  ended_ = !answered_;
  if (open() && answered_) SendPacket(MessageType::kStream, Status::kContinue);
}

void SessionStream::OnAnswered() {
  answered_ = true;
  if (ended_) WriteEnd();
  if (failure_) Fail(*failure_);
  room_.Pulse();
}

void SessionStream::Finish() {
  if (!open()) return;
  finish_given_ = true;
  if (!finish_asked_) {
    keep_ = shared_from_this();
    return;
  }
  SendPacket(MessageType::kStream, Status::kOk);
  Closed();
}

void SessionStream::Fail(const Error& error) {
  if (!open()) return;
  if (!answered_) {
    failure_ = error;
    return;
  }
  session_->SendError(header_, MessageType::kStream, error);
  Closed();
}

void SessionStream::SendPacket(MessageType type, Status status, std::span<const uint8_t> payload) {
  header_.type = type;
  header_.status = status;
  session_->connection().Send(header_, payload);
}

void SessionStream::Discard() {
  if (open()) Closed();
}

void SessionStream::Closed() {
  auto session = std::exchange(session_, nullptr);
  session->RemoveStream(this);
  if (full_) session->HoldInput(-1);
  full_ = false;
  if (!finish_asked_) received_.clear();
  arrived_.Pulse();
  room_.Pulse();
  auto keep = std::exchange(keep_, nullptr);
}

}  // namespace bv::rpc
