#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rpc/client.h"
#include "rpc/server.h"

namespace bv {

// A client's connection to one modular daemon: its messages go on as they are, under their own
// serials, and what the daemon sends goes back. Neither side is read faster than the other takes
// it. Ends with the client; when the daemon ends it, calls that wait are answered with an error.
class Link : public std::enable_shared_from_this<Link> {
 public:
  // `start`: the daemon's name when it may be started, else empty.
  Link(std::shared_ptr<rpc::ServerSession> session, std::string path, std::string start = {});
  ~Link();

  // Connects, says who the client is, and opens `uri`. Throws what the daemon answers; what was
  // sent meanwhile is then answered with the same.
  Task<> Open(std::string uri, bool readonly);

  // For another process image of ours, while no call waits: the connection, or nullopt when it is lost.
  std::optional<rpc::SavedConnection> Save() const;
  // Instead of Open(): goes on with such a connection; without one the link is lost.
  void Restore(std::optional<rpc::SavedConnection> saved);

  // Forwards a call of the client, once the link is open; or a stream packet.
  void SendCall(rpc::Frame& frame);
  void SendPacket(rpc::Frame& frame);

  void Close();
  bool lost() const { return lost_; }
  // Once, when the daemon has ended an open link.
  void OnLost(std::function<void()> callback) { on_lost_ = std::move(callback); }
  // The client takes more again.
  void OnClientRoom();

 private:
  struct Waiting {
    rpc::Header header;
    std::vector<uint8_t> payload;
    std::vector<Fd> fds;
  };

  void StartForwarding();
  void Forward(rpc::Frame& frame);
  void OnFrame(rpc::Frame& frame);
  void OnBackendRoom();
  void HoldClient(bool hold);
  void HoldBackend(bool hold);
  void FailCalls(const Error& error);
  void EndCall(const rpc::Header& header);

  std::weak_ptr<rpc::ClientSession> session_;
  const std::string path_, start_;
  std::shared_ptr<rpc::Client> client_;
  bool open_ = false, lost_ = false;
  std::optional<Error> failure_;      // why it did not open
  std::vector<Waiting> waiting_;      // until it is open
  std::vector<rpc::Header> calls_;    // not answered yet
  bool client_held_ = false, backend_held_ = false;
  std::function<void()> on_lost_;
};

}  // namespace bv
