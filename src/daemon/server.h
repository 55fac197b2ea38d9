#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/listener.h"
#include "daemon/tls.h"
#include "rpc/server.h"
#include "upgrade/fds.h"
#include "upgrade/state.h"

namespace bv {

// How a client reaches us; the numbers are the admin protocol's.
enum class Way : std::uint8_t { kUnix = 0, kTcp = 1, kTls = 2 };

class Server;

// What the daemon knows of a connection: client.State<ClientInfo>().
struct ClientInfo {
  Server* server = nullptr;
  std::uint64_t id = 0;     // counts up from 1 in each server
  std::int64_t since = 0;   // seconds since the epoch
  Way way = Way::kUnix;
  AuthScheme auth = AuthScheme::kNone;
  int tls_bits = 0;         // strength of the TLS layer, once there is one
  std::shared_ptr<bool> pending;  // not authenticated yet; shared with the server, which counts
  std::string address;        // "192.0.2.1;4711"; of a Unix socket "127.0.0.1;0"
  std::string local_address;  // ours, likewise
};

struct ListenerOptions {
  Way way = Way::kUnix;
  bool readonly = false;
  AuthScheme auth = AuthScheme::kNone;
  // Only clients of this daemon's own user: admin sockets, session mode, virtlogd and virtlockd.
  bool own_user_only = false;
  std::string own_path;  // socket file to remove in the end
};

// One of the two sets of sockets that a daemon has (its own name's, and "admin"): accepts clients
// within its limits and keeps them. All on the loop.
class Server {
 public:
  // Puts a TLS layer over a fresh connection; `on_peer` is called when the client has proved itself.
  using OnPeer = std::function<void(const TlsPeer&)>;
  using MakeTransport = std::function<std::unique_ptr<rpc::Transport>(Fd, OnPeer on_peer)>;

  // `on_change` is called when a client came or went.
  Server(std::string name, const ServerLimits& limits, rpc::Service& service, std::function<void()> on_change);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& name() const { return name_; }
  const ServerLimits& limits() const { return limits_; }
  rpc::Workers& workers() { return workers_; }

  // Throws kConfigUnsupported when its clients cannot be authenticated as the options say.
  void AddListener(Fd socket, ListenerOptions options, MakeTransport make_transport = {});
  // Serves from now on, or from now on takes no new clients.
  void StartAccepting();
  void StopAccepting();

  // Closes the listening sockets and removes their files.
  void RemoveListeners() { listeners_.clear(); }

  // For the next process image: limits, sockets and those clients that it can go on serving.
  // `save_client` adds what others know of a client.
  using SaveClient = std::function<void(rpc::ServerSession&, Json& private_data)>;
  upgrade::SavedServer Save(upgrade::PassedFds& fds, const SaveClient& save_client) const;
  // The limits, and the number of the next client.
  void Restore(const upgrade::SavedServer& saved);
  // A client that is served from StartAccepting() on; null, and said in the log, when it is not there.
  std::shared_ptr<rpc::ServerSession> RestoreClient(const upgrade::SavedClient& saved, upgrade::InheritedFds& fds);

  // Ends every connection after what is queued for it has been sent.
  void CloseClients();

  std::vector<std::shared_ptr<rpc::ServerSession>> Clients() const;
  std::shared_ptr<rpc::ServerSession> FindClient(std::uint64_t id) const;
  std::size_t client_count() const { return clients_.size(); }
  std::size_t unauthenticated_count() const { return unauthenticated_; }

  // Throws kInvalidArg when they contradict each other.
  void SetClientLimits(std::uint32_t max_clients, std::uint32_t max_anonymous_clients);
  void SetWorkers(std::uint32_t min, std::uint32_t max, std::uint32_t priority);

  // The client has proved who it is (it may have before).
  void Authenticated(rpc::ClientSession& client);

 private:
  struct Client {
    std::shared_ptr<rpc::ServerSession> session;
    std::shared_ptr<bool> pending = std::make_shared<bool>(true);
  };
  using ClientList = std::list<Client>;
  struct Entry {
    ListenerOptions options;
    MakeTransport make_transport;
    std::unique_ptr<Listener> listener;
  };

  void AddClient(const Entry& entry, Fd socket);
  // Serves nobody yet. Throws when the transport cannot be made.
  rpc::ServerSession& MakeSession(ClientList::iterator client, std::unique_ptr<rpc::Transport> transport,
                                  const rpc::SessionOptions& options);
  void RemoveClient(ClientList::iterator client);
  void UpdateAccepting();

  std::string name_;
  ServerLimits limits_;
  rpc::Service& service_;
  rpc::Workers workers_;
  std::function<void()> on_change_;
  std::list<Entry> listeners_;
  ClientList clients_;
  std::vector<std::shared_ptr<rpc::ServerSession>> restored_;  // and not served yet
  std::size_t unauthenticated_ = 0;
  std::size_t most_clients_ = 0;  // since memory was last given back
  std::uint64_t next_id_ = 1;
  bool accepting_ = false;
};

// The peer's and our own address as ClientInfo has them, and AF_UNIX, AF_INET or AF_INET6.
std::pair<std::string, std::string> AddressesOf(int fd);
int AddressFamilyOf(int fd);
// When a process started, in clock ticks since boot.
std::optional<std::uint64_t> StartTimeOf(pid_t pid);
// Who is at the other end of a Unix socket; `with_start_time` also says when that process started.
rpc::Identity PeerIdentity(int fd, bool with_start_time);

}  // namespace bv
