#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/wait.h"
#include "rpc/connection.h"
#include "rpc/keepalive.h"
#include "rpc/procedure.h"
#include "rpc/stream.h"

namespace bv::rpc {

class ClientStream;

// The calling end: what a daemon uses to talk to another one, and tests to any. Calls may overlap;
// each waits for its own reply. Errors that the server answers come as Error, a lost connection as
// VIR_ERR_RPC. Belongs to the loop.
class Client : public std::enable_shared_from_this<Client>, private Connection::Owner {
 public:
  static std::shared_ptr<Client> Make(std::unique_ptr<Transport> transport);
  // Goes on with a connection that another process image has left; it must not have called anything
  // that is unanswered. See Connection::Save().
  static std::shared_ptr<Client> Restore(SavedConnection saved);
  std::optional<SavedConnection> SaveConnection() const { return connection_->Save(); }
  // Connects to a Unix socket; waits while its queue is full. Throws kSystemError.
  static Task<std::shared_ptr<Client>> Connect(std::string path, Deadline deadline = In(std::chrono::seconds(30)));
  ~Client();

  bool connected() const { return !connection_->closed(); }
  void Close() { connection_->Close(); }
  // Once, when the connection is lost or closed.
  void OnClose(std::function<void()> callback) { on_close_ = std::move(callback); }

  // Descriptors to send with a call and those that come with its reply, and how long to wait.
  struct Extra {
    std::vector<Fd> fds;
    std::vector<Fd> reply_fds;
    Deadline deadline = kNever;
  };

  // co_await client->Call<proc::DomainCreate>(args)
  template <typename Proc>
  Task<typename Proc::Ret> Call(auto args, Extra* extra = nullptr) {
    typename Proc::Args named = std::move(args);
    if constexpr (std::is_void_v<typename Proc::Ret>) {
      co_await Invoke(Proc::program(), Proc::info.number, &named, nullptr, extra);
    } else {
      typename Proc::Ret ret;
      co_await Invoke(Proc::program(), Proc::info.number, &named, &ret, extra);
      co_return ret;
    }
  }
  template <typename Proc>
  Task<typename Proc::Ret> Call(Extra* extra = nullptr) {
    static_assert(std::is_void_v<typename Proc::Args>);
    if constexpr (std::is_void_v<typename Proc::Ret>) {
      co_await Invoke(Proc::program(), Proc::info.number, nullptr, nullptr, extra);
    } else {
      typename Proc::Ret ret;
      co_await Invoke(Proc::program(), Proc::info.number, nullptr, &ret, extra);
      co_return ret;
    }
  }
  // A call that opens a stream, whose return value (if any) is dropped.
  template <typename Proc>
  Task<std::shared_ptr<ClientStream>> OpenStream(auto args) {
    typename Proc::Args named = std::move(args);
    auto stream = co_await Open(Proc::program(), Proc::info.number, &named);
    co_return stream;
  }

  // Calls `callback` for each event of the kind; one callback a kind. Others are dropped.
  template <typename EventProc>
  void OnEvent(std::function<void(const typename EventProc::Msg&)> callback) {
    SetEvent(EventProc::program(), EventProc::info.number, [callback = std::move(callback)](const void* message) {
      callback(*static_cast<const typename EventProc::Msg*>(message));
    });
  }

  // Forwarding: sends a message as it is, and hands every message but keepalive to
  // `on_frame` from then on: no more calls of our own.
  void SendFrame(Frame& frame) { connection_->SendFrame(frame); }
  void PassThrough(std::function<void(Frame&)> on_frame) { on_frame_ = std::move(on_frame); }
  // Queued for the server and not sent; `on_room` is called whenever it became less.
  size_t queued() const { return connection_->queued(); }
  void set_on_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }
  // Reads no more until it is called with -1 as often as with +1.
  void HoldInput(int change);

  // Pings the server when it is silent; gives the connection up after interval * (count + 1).
  void StartKeepAlive(Clock::duration interval, uint32_t count);

 private:
  friend class ClientStream;
  explicit Client(std::unique_ptr<Transport> transport);

  struct Pending {
    Header header;
    const xdr::Type* type = nullptr;
    void* ret = nullptr;
    std::vector<Fd> fds;
    std::exception_ptr error;
    Event done;
  };
  struct EventHandler {
    const Procedure* procedure;
    std::function<void(const void*)> callback;
  };
  class Waiting;

  Task<> Invoke(const Program& program, int32_t number, const void* args, void* ret, Extra* extra);
  Task<std::shared_ptr<ClientStream>> Open(const Program& program, int32_t number, const void* args);
  Header NextHeader(const Program& program, int32_t number);
  void SendCall(Header header, const Procedure& procedure, const void* args, std::vector<Fd> fds);
  void SetEvent(const Program& program, int32_t number, std::function<void(const void*)> callback);

  void OnFrame(Frame& frame) override;
  bool WantsFrames() const override { return input_holds_ == 0; }
  void OnProgress() override;
  void OnClosed() override;
  void OnReply(Frame& frame);
  void OnEventFrame(const Frame& frame);

  std::shared_ptr<Connection> connection_;
  std::unique_ptr<KeepAlive> keepalive_;
  std::map<uint32_t, Pending*> pending_;  // by serial
  std::map<std::pair<uint32_t, int32_t>, EventHandler> events_;
  std::vector<ClientStream*> streams_;
  std::function<void()> on_close_, on_room_;
  std::function<void(Frame&)> on_frame_;
  uint32_t next_serial_ = 0;
  int input_holds_ = 0;
};

// The calling end of a stream. Dropping it while open aborts it.
class ClientStream : public std::enable_shared_from_this<ClientStream> {
 public:
  using Chunk = ServerStream::Chunk;

  ~ClientStream();

  // The next of what the server sends: data, a hole, or kFinish at the end of data. Throws the
  // server's error.
  Task<Chunk> Read();
  // Waits while much is queued. False when the stream is closed.
  Task<bool> Write(std::span<const uint8_t> data);
  Task<bool> WriteHole(int64_t length);
  // Ends the stream and waits for the server's answer; throws its error.
  Task<> Finish() { return End(Status::kOk); }
  Task<> Abort() { return End(Status::kError); }
  bool open() const { return client_ != nullptr; }

 private:
  friend class Client;
  ClientStream(std::shared_ptr<Client> client, const Header& header) : client_(std::move(client)), header_(header) {}
  bool Matches(const Header& header) const;
  void OnPacket(const Frame& frame);
  Task<bool> Room();
  Task<> End(Status status);
  void Closed(std::exception_ptr error);
  void Push(Chunk chunk);

  std::shared_ptr<Client> client_;  // null once closed
  Header header_;
  std::deque<Chunk> received_;
  size_t received_bytes_ = 0;
  bool full_ = false;
  bool ending_ = false;
  std::exception_ptr error_;
  Event arrived_, room_;
};

}  // namespace bv::rpc
