#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "base/wait.h"
#include "rpc/message.h"
#include "rpc/stream.h"

namespace bv::rpc {

class Session;
struct Frame;

// The stream behind ServerStream. The session knows its open streams by address; a stream tells it
// when it closes or is dropped.
class SessionStream final : public ServerStream, public std::enable_shared_from_this<SessionStream> {
 public:
  SessionStream(std::shared_ptr<Session> session, const Header& call, bool sparse);
  ~SessionStream() override;

  Task<Chunk> Read() override;
  Task<bool> Write(std::span<const uint8_t> data) override;
  Task<bool> WriteHole(int64_t length) override;
  void WriteEnd() override;
  void Finish() override;
  void Fail(const Error& error) override;
  bool open() const override { return session_ != nullptr; }
  bool sparse() const override { return sparse_; }

  bool Matches(const Header& header) const;
  // A packet from the client. False when it breaks the rules and the connection must go.
  bool OnPacket(const Frame& frame);
  // The call has its reply. Until then nothing goes out: clients expect the reply to be the first that they get.
  void OnAnswered();
  // The connection takes more again.
  void OnRoom() { room_.Pulse(); }
  // The client is gone, or the call failed: nothing is sent any more.
  void Discard();

 private:
  void Push(Chunk chunk);
  void SendPacket(MessageType type, Status status, std::span<const uint8_t> payload = {});
  Task<bool> Room();
  void Closed();

  std::shared_ptr<Session> session_;  // null once closed
  Header header_;                     // of packets: the call's, but for type and status
  const bool sparse_;
  bool answered_ = false;
  bool ended_ = false;             // the end of data is to follow the reply
  std::optional<Error> failure_;   // and so is this
  bool finish_asked_ = false;  // by the client
  bool finish_given_ = false;  // by the driver
  std::deque<Chunk> received_;
  size_t received_bytes_ = 0;
  bool full_ = false;
  Event arrived_, room_;
  std::shared_ptr<SessionStream> keep_;  // itself, while only the client's finish is missing
};

}  // namespace bv::rpc
