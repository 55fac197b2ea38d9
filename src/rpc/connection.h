#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "rpc/buffer.h"
#include "rpc/message.h"
#include "rpc/saved.h"
#include "rpc/transport.h"

namespace bv::rpc {

// One message as it came in. The payload points into the connection's input and is valid during
// OnFrame() only; the count of descriptors has been taken off it.
struct Frame {
  Header header;
  std::span<const uint8_t> payload;
  std::vector<Fd> fds;
};

// Messages on a transport, the same for both ends. Input costs no memory between messages: what is
// complete is handed out from a buffer that all connections share, only the rest is kept. Output
// is gathered and sent once per turn. Held by a shared_ptr; belongs to the loop.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Who uses it; outlives it, or says Close() first.
  class Owner {
   public:
    virtual void OnFrame(Frame& frame) = 0;
    // False leaves what has not been handed out unread, until Resume().
    virtual bool WantsFrames() const = 0;
    // The output queue became shorter.
    virtual void OnProgress() {}
    // Once, after Close() or when the peer is gone or broke the rules; never from a constructor.
    virtual void OnClosed() = 0;

   protected:
    ~Owner() = default;
  };

  // `fds_type` is the one type of incoming message that may carry descriptors.
  Connection(std::unique_ptr<Transport> transport, Owner& owner, MessageType fds_type);
  ~Connection();

  void Start();
  void Resume();
  bool closed() const { return closed_; }
  void Close();
  // Reads no more, sends what is queued, closes.
  void CloseAfterFlush();

  // Queues a message: what is appended to the buffer that Begin() returns is its payload, until
  // End(); Cancel() takes it back. Nothing else may be queued in between. For the types that carry
  // descriptors the caller appends their count first, and passes them to End().
  Buffer& Begin(const Header& header);
  void End(std::vector<Fd> fds = {});
  void Cancel();
  // The three in one, for a payload that is bytes already.
  void Send(const Header& header, std::span<const uint8_t> payload);

  // A message that came in elsewhere, with its descriptors.
  void SendFrame(Frame& frame);

  // What is under way, while there is no layer over the socket that another process could not go on
  // with, and the connection is open. Not from within OnFrame().
  std::optional<SavedConnection> Save() const;
  // Before Start(): goes on where another connection on the same socket was saved.
  void Restore(SavedConnection saved);

  // Bytes queued and not sent.
  size_t queued() const { return queued_; }

  // Puts a layer over the transport: what is queued by now leaves without it, what is queued later
  // goes through it, and so does all input from now on.
  using Wrap = std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport>)>;
  void WrapTransport(Wrap wrap);
  // While not closed().
  const Transport& transport() const { return *transport_; }

 private:
  struct Chunk {
    Buffer bytes;
    size_t sent = 0;
    std::vector<Fd> fds;  // follow the bytes
    Wrap wrap;            // applied when all of it has gone
    bool sealed() const { return !fds.empty() || wrap; }
  };

  void OnEvents(uint32_t events);
  bool Reading() const;
  void ReadInput();
  void ReadBuffered();
  void TakeInput(std::span<const uint8_t> input);
  void ParsePartial();
  // Hands out frames from the front of `input`; how much of it was used up.
  size_t Parse(std::span<const uint8_t> input);
  bool Complete(std::span<const uint8_t> input, size_t& frame_size, uint32_t& fd_count);
  void Flush();
  void FlushSoon();
  bool FlushChunks();
  bool SendFds(Chunk& chunk);
  void UpdateEvents();

  std::unique_ptr<Transport> transport_;
  Owner& owner_;
  const MessageType fds_type_;
  std::optional<FdWatch> watch_;
  Buffer partial_;               // input that is not complete, or not wanted yet
  size_t partial_used_ = 0;      // from its front
  std::vector<Fd> pending_fds_;  // received ahead of the message they belong to
  std::vector<Chunk> out_;
  size_t queued_ = 0;
  size_t begun_at_ = 0;  // where in the last chunk the message being queued starts
  bool closed_ = false;
  bool parsing_ = false;
  bool flush_posted_ = false;
  bool blocked_ = false;  // the transport takes no more for now
  bool close_after_flush_ = false;
};

}  // namespace bv::rpc
