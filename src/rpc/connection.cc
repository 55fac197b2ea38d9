#include "rpc/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "base/log.h"

namespace bv::rpc {

namespace {

constexpr size_t kReadSize = 65536;
// Reads per wake-up, so that one client that always has more does not keep the others waiting.
constexpr int kReadsPerTurn = 8;
constexpr size_t kChunkStart = 512;
constexpr size_t kChunkSize = 65536;
constexpr size_t kPartsPerWrite = 16;

// All connections read through this one: input is used up or copied before the next read.
std::span<uint8_t> SharedInput() {
  static thread_local std::unique_ptr<uint8_t[]> memory(new uint8_t[kReadSize]);
  return {memory.get(), kReadSize};
}

Header ParseHeader(const uint8_t* from) {
  return {.prog = GetWord(from),
          .vers = GetWord(from + 4),
          .proc = static_cast<int32_t>(GetWord(from + 8)),
          .type = static_cast<MessageType>(GetWord(from + 12)),
          .serial = GetWord(from + 16),
          .status = static_cast<Status>(GetWord(from + 20))};
}

void PutHeader(uint8_t* to, const Header& header) {
  PutWord(to, header.prog);
  PutWord(to + 4, header.vers);
  PutWord(to + 8, static_cast<uint32_t>(header.proc));
  PutWord(to + 12, static_cast<uint32_t>(header.type));
  PutWord(to + 16, header.serial);
  PutWord(to + 20, static_cast<uint32_t>(header.status));
}

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, Owner& owner, MessageType fds_type)
    : transport_(std::move(transport)), owner_(owner), fds_type_(fds_type) {}

Connection::~Connection() = default;

void Connection::Start() {
  watch_.emplace(transport_->fd(), transport_->WantedEvents(true, false), [this](uint32_t events) {
    auto self = shared_from_this();
    OnEvents(events);
  });
  // What another process image has left; at first there is none.
  if (!partial_.empty() || !out_.empty() || close_after_flush_) {
    Loop::Current().Post([self = shared_from_this()] {
      self->Resume();
      if (!self->closed_) self->Flush();
    });
  }
}

void Connection::OnEvents(uint32_t events) {
  if (blocked_) {
    blocked_ = false;
    Flush();
  }
  if (closed_) return;
  if (Reading()) {
    ReadInput();
  } else if (events & (EPOLLHUP | EPOLLERR)) {
    Close();
  }
}

// --- input ---------------------------------------------------------------------------------------

bool Connection::Reading() const { return owner_.WantsFrames() && !close_after_flush_; }

void Connection::ReadInput() {
  for (int i = 0; i < kReadsPerTurn && !closed_ && Reading(); ++i) {
    std::span<uint8_t> shared = SharedInput();
    size_t got = 0;
    auto result = transport_->Read(shared, got, pending_fds_);
    if (result == Transport::Result::kAgain) break;
    if (result != Transport::Result::kDone) return Close();
    TakeInput(shared.first(got));
    if (got < kReadSize && !(transport_ && transport_->HasBuffered())) break;
  }
  if (closed_) return;
  Flush();
  ReadBuffered();
}

void Connection::TakeInput(std::span<const uint8_t> input) {
  if (partial_.empty()) {
    size_t used = Parse(input);
    if (used < input.size() && !closed_) partial_.Append(input.subspan(used));
    return;
  }
  if (partial_used_ > 0) {
    size_t left = partial_.size() - partial_used_;
    std::memmove(partial_.data(), partial_.data() + partial_used_, left);
    partial_.Truncate(left);
    partial_used_ = 0;
  }
  partial_.Append(input);
  ParsePartial();
}

void Connection::ParsePartial() {
  partial_used_ += Parse(partial_.bytes().subspan(partial_used_));
  if (partial_used_ < partial_.size() && !closed_) return;
  partial_.Reset();
  partial_used_ = 0;
}

void Connection::Resume() {
  if (closed_ || parsing_) return;
  if (!partial_.empty()) ParsePartial();
  if (closed_) return;
  FlushSoon();
  UpdateEvents();
  ReadBuffered();
}

// The descriptor does not wake us for what a layer has read already.
void Connection::ReadBuffered() {
  if (closed_ || !transport_->HasBuffered() || !Reading()) return;
  Loop::Current().Post([self = shared_from_this()] {
    if (!self->closed_ && self->Reading()) self->ReadInput();
  });
}

size_t Connection::Parse(std::span<const uint8_t> input) {
  parsing_ = true;
  size_t used = 0;
  size_t frame_size;
  uint32_t fd_count;
  while (!closed_ && owner_.WantsFrames() && Complete(input.subspan(used), frame_size, fd_count)) {
    std::span<const uint8_t> bytes = input.subspan(used, frame_size);
    Frame frame{.header = ParseHeader(bytes.data() + kLengthSize), .payload = bytes.subspan(kFrameStart)};
    if (frame.header.type == fds_type_) {
      frame.payload = frame.payload.subspan(kLengthSize);
      auto end = pending_fds_.begin() + fd_count;
      frame.fds.assign(std::make_move_iterator(pending_fds_.begin()), std::make_move_iterator(end));
      pending_fds_.erase(pending_fds_.begin(), end);
    }
    used += frame_size + fd_count;
    owner_.OnFrame(frame);
  }
  // What came with bytes that announced none goes.
  if (used == input.size()) pending_fds_.clear();
  parsing_ = false;
  return used;
}

bool Connection::Complete(std::span<const uint8_t> input, size_t& frame_size, uint32_t& fd_count) {
  if (input.size() < kLengthSize) return false;
  frame_size = GetWord(input.data());
  fd_count = 0;
  if (frame_size < kFrameStart || frame_size > kFrameMax) {
    LogDebug("rpc.netmessage", "message of {} bytes", frame_size);
    Close();
    return false;
  }
  if (input.size() < frame_size) return false;
  if (ParseHeader(input.data() + kLengthSize).type != fds_type_) return true;

  // One byte per descriptor follows the message.
  if (frame_size >= kFrameStart + kLengthSize) fd_count = GetWord(input.data() + kFrameStart);
  if (frame_size < kFrameStart + kLengthSize || fd_count > kFdsMax || (fd_count && !transport_->PassesFds())) {
    Close();
    return false;
  }
  if (input.size() < frame_size + fd_count) return false;
  if (pending_fds_.size() < fd_count) {
    Close();  // bytes where descriptors should be
    return false;
  }
  return true;
}

// --- output --------------------------------------------------------------------------------------

Buffer& Connection::Begin(const Header& header) {
  if (out_.empty() || out_.back().sealed() || out_.back().bytes.size() > kChunkSize) {
    out_.emplace_back().bytes.Reserve(kChunkStart);
  }
  Buffer& bytes = out_.back().bytes;
  begun_at_ = bytes.size();
  PutHeader(bytes.Extend(kFrameStart) + kLengthSize, header);
  return bytes;
}

void Connection::End(std::vector<Fd> fds) {
  if (closed_) {
    out_.clear();
    return;
  }
  Chunk& chunk = out_.back();
  size_t size = chunk.bytes.size() - begun_at_;
  PutWord(chunk.bytes.data() + begun_at_, static_cast<uint32_t>(size));
  queued_ += size;
  chunk.fds = std::move(fds);
  FlushSoon();
}

void Connection::Cancel() { out_.back().bytes.Truncate(begun_at_); }

void Connection::Send(const Header& header, std::span<const uint8_t> payload) {
  Begin(header).Append(payload);
  End();
}

void Connection::SendFrame(Frame& frame) {
  Buffer& out = Begin(frame.header);
  bool with_fds = frame.header.type == MessageType::kCallWithFds || frame.header.type == MessageType::kReplyWithFds;
  if (with_fds) PutWord(out.Extend(kLengthSize), static_cast<uint32_t>(frame.fds.size()));
  out.Append(frame.payload);
  End(std::move(frame.fds));
}

void Connection::FlushSoon() {
  // Parse() is followed by a Flush(); a blocked transport will wake us.
  if (flush_posted_ || parsing_ || (blocked_ && !out_.empty())) return;
  flush_posted_ = true;
  Loop::Current().Post([self = shared_from_this()] {
    self->flush_posted_ = false;
    if (!self->closed_) self->Flush();
  });
}

void Connection::Flush() {
  size_t before = queued_;
  if (!FlushChunks()) return Close();
  if (queued_ < before) owner_.OnProgress();
  if (closed_) return;
  if (out_.empty() && close_after_flush_) return Close();
  UpdateEvents();
}

// False when the connection is lost.
bool Connection::FlushChunks() {
  while (!out_.empty() && !blocked_) {
    std::array<iovec, kPartsPerWrite> parts;
    size_t count = 0;
    for (Chunk& chunk : out_) {
      parts[count++] = {chunk.bytes.data() + chunk.sent, chunk.bytes.size() - chunk.sent};
      if (chunk.sealed() || count == kPartsPerWrite) break;
    }
    size_t put = 0;
    if (parts[0].iov_len || count > 1) {
      auto result = transport_->Write(std::span(parts).first(count), put);
      if (result == Transport::Result::kAgain) blocked_ = true;
      else if (result != Transport::Result::kDone) return false;
    }
    queued_ -= put;
    size_t gone = 0;
    for (; gone < count; ++gone) {
      Chunk& chunk = out_[gone];
      size_t sent = std::min(put, chunk.bytes.size() - chunk.sent);
      chunk.sent += sent;
      put -= sent;
      if (chunk.sent < chunk.bytes.size()) break;
      if (!SendFds(chunk)) return false;
      if (!chunk.fds.empty()) break;
      if (chunk.wrap) transport_ = chunk.wrap(std::move(transport_));
    }
    out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(gone));
  }
  return true;
}

bool Connection::SendFds(Chunk& chunk) {
  while (!chunk.fds.empty()) {
    auto result = transport_->SendFd(chunk.fds.front().get());
    if (result == Transport::Result::kAgain) {
      blocked_ = true;
      return true;
    }
    if (result != Transport::Result::kDone) return false;
    chunk.fds.erase(chunk.fds.begin());
  }
  return true;
}

void Connection::UpdateEvents() {
  if (!watch_) return;
  watch_->SetEvents(transport_->WantedEvents(Reading(), blocked_));
}

// --- from one process image to the next ------------------------------------------------------------

std::optional<SavedConnection> Connection::Save() const {
  auto wrapped = [](const Chunk& chunk) { return chunk.wrap != nullptr; };
  if (closed_ || !transport_->plain() || std::ranges::any_of(out_, wrapped)) return std::nullopt;
  auto text = [](std::span<const uint8_t> bytes) { return std::string(bytes.begin(), bytes.end()); };
  auto numbers = [](const std::vector<Fd>& fds) {
    std::vector<int> list;
    for (const Fd& fd : fds) list.push_back(fd.get());
    return list;
  };
  SavedConnection saved{.socket = transport_->fd(),
                        .input = text(partial_.bytes().subspan(partial_used_)),
                        .input_fds = numbers(pending_fds_),
                        .closing = close_after_flush_};
  for (const Chunk& chunk : out_) saved.output.push_back({text(chunk.bytes.bytes().subspan(chunk.sent)), numbers(chunk.fds)});
  return saved;
}

void Connection::Restore(SavedConnection saved) {
  auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  partial_.Append(bytes(saved.input));
  for (int fd : saved.input_fds) pending_fds_.emplace_back(fd);
  for (const SavedConnection::Output& part : saved.output) {
    Chunk& chunk = out_.emplace_back();
    chunk.bytes.Append(bytes(part.bytes));
    for (int fd : part.fds) chunk.fds.emplace_back(fd);
    queued_ += part.bytes.size();
  }
  close_after_flush_ = saved.closing;
}

void Connection::WrapTransport(Wrap wrap) {
  if (closed_) return;
  if (out_.empty()) {
    transport_ = wrap(std::move(transport_));
  } else {
    out_.back().wrap = std::move(wrap);
  }
}

void Connection::CloseAfterFlush() {
  close_after_flush_ = true;
  FlushSoon();
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  auto self = shared_from_this();
  watch_.reset();
  transport_.reset();
  if (!parsing_) partial_.Reset();
  pending_fds_.clear();
  out_.clear();
  queued_ = 0;
  owner_.OnClosed();
}

}  // namespace bv::rpc
