#include "daemon/server.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>
#include <tuple>

#include "base/error.h"
#include "base/log.h"
#include "daemon/sasl.h"

namespace bv {

namespace {

constexpr char kLog[] = "rpc.netserver";
constexpr char kNoAddress[] = "127.0.0.1;0";  // of a Unix socket

// `get_name` is getpeername or getsockname.
std::string AddressOf(int fd, int (*get_name)(int, sockaddr*, socklen_t*)) {
  union {
    sockaddr header;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
  } address = {};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (get_name(fd, &address.header, &size) == 0) {
    if (address.header.sa_family == AF_INET) {
      inet_ntop(AF_INET, &address.ip4.sin_addr, text, sizeof text);
      return fmt::format("{};{}", text, ntohs(address.ip4.sin_port));
    }
    if (address.header.sa_family == AF_INET6) {
      inet_ntop(AF_INET6, &address.ip6.sin6_addr, text, sizeof text);
      return fmt::format("{};{}", text, ntohs(address.ip6.sin6_port));
    }
  }
  return kNoAddress;
}

}  // namespace

std::pair<std::string, std::string> AddressesOf(int fd) {
  return {AddressOf(fd, [](int fd, sockaddr* name, socklen_t* size) { return getpeername(fd, name, size); }),
          AddressOf(fd, [](int fd, sockaddr* name, socklen_t* size) { return getsockname(fd, name, size); })};
}

int AddressFamilyOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? address.ss_family : AF_UNSPEC;
}

namespace {

void TuneTcp(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

void SetPeer(rpc::ClientSession& session, const TlsPeer& peer) {
  rpc::Identity identity = session.identity();
  identity.x509_dname = peer.distinguished_name;
  session.set_identity(std::move(identity));
  session.State<ClientInfo>().tls_bits = peer.key_bits;
}

// So many clients that the memory of those who went is worth the time to give it back.
constexpr std::size_t kCrowd = 500;

// No workers means that calls run as they come.
std::uint32_t SlotsFor(std::uint32_t workers) { return workers ? workers : UINT32_MAX; }

}  // namespace

Server::Server(std::string name, const ServerLimits& limits, rpc::Service& service, std::function<void()> on_change)
    : name_(std::move(name)),
      limits_(limits),
      service_(service),
      workers_(SlotsFor(limits.max_workers), limits.prio_workers),
      on_change_(std::move(on_change)) {
  if (limits_.min_workers > limits_.max_workers) limits_.min_workers = limits_.max_workers;
  if (limits_.max_clients < limits_.max_anonymous_clients) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                "The overall maximum number of clients must not be less than the number of clients waiting for "
                "authentication");
  }
}

Server::~Server() = default;

void Server::AddListener(Fd socket, ListenerOptions options, MakeTransport make_transport) {
  if (options.auth == AuthScheme::kSasl) SaslService::Require();
  Entry& entry = listeners_.emplace_back();
  entry.options = std::move(options);
  entry.make_transport = std::move(make_transport);
  entry.listener = std::make_unique<Listener>(std::move(socket), entry.options.own_path,
                                              [this, &entry](Fd client) { AddClient(entry, std::move(client)); });
  entry.listener->SetAccepting(accepting_);
}

void Server::StartAccepting() {
  for (const auto& session : std::exchange(restored_, {})) session->StartServing();
  accepting_ = true;
  UpdateAccepting();
}

void Server::StopAccepting() {
  accepting_ = false;
  UpdateAccepting();
}

void Server::UpdateAccepting() {
  bool room = clients_.size() < limits_.max_clients;
  bool anonymous_room = limits_.max_anonymous_clients == 0 || unauthenticated_ < limits_.max_anonymous_clients;
  for (Entry& entry : listeners_) entry.listener->SetAccepting(accepting_ && room && anonymous_room);
}

void Server::AddClient(const Entry& entry, Fd socket) {
  const ListenerOptions& options = entry.options;
  rpc::Identity identity;
  std::string address = kNoAddress, local_address = kNoAddress;
  if (options.way == Way::kUnix) {
    identity = PeerIdentity(socket.get(), options.auth == AuthScheme::kPolkit);
    if (options.own_user_only && identity.uid != geteuid()) {
      LogError(kLog, "Disallowing client {} with uid {}", identity.pid.value_or(0), identity.uid.value_or(0));
      return;
    }
  } else {
    TuneTcp(socket.get());
    std::tie(address, local_address) = AddressesOf(socket.get());
  }

  rpc::SessionOptions session_options{.max_requests = limits_.max_client_requests,
                                      .keepalive_interval = std::chrono::seconds(limits_.keepalive_interval),
                                      .keepalive_count = limits_.keepalive_count,
                                      .readonly = options.readonly};
  auto client = clients_.emplace(clients_.end());
  try {
    std::unique_ptr<rpc::Transport> transport;
    if (entry.make_transport) {
      // The handshake is over long after the session was made.
      transport = entry.make_transport(std::move(socket), [client](const TlsPeer& peer) { SetPeer(*client->session, peer); });
    } else {
      transport = rpc::MakeSocketTransport(std::move(socket));
    }
    MakeSession(client, std::move(transport), session_options);
  } catch (const std::exception& e) {
    LogError(kLog, "cannot serve a client: {}", e.what());
    clients_.erase(client);
    return;
  }
  rpc::ServerSession& session = *client->session;
  session.set_identity(std::move(identity));
  session.State<ClientInfo>() = {.server = this,
                                 .id = next_id_++,
                                 .since = std::time(nullptr),
                                 .way = options.way,
                                 .auth = options.auth,
                                 .pending = client->pending,
                                 .address = std::move(address),
                                 .local_address = std::move(local_address)};
  ++unauthenticated_;
  most_clients_ = std::max(most_clients_, clients_.size());
  if (options.auth == AuthScheme::kNone) Authenticated(session);
  UpdateAccepting();
  on_change_();
  session.StartServing();
}

rpc::ServerSession& Server::MakeSession(ClientList::iterator client, std::unique_ptr<rpc::Transport> transport,
                                        const rpc::SessionOptions& options) {
  client->session = rpc::ServerSession::Make(service_, workers_, std::move(transport), options,
                                             [this, client] { RemoveClient(client); });
  return *client->session;
}

void Server::Authenticated(rpc::ClientSession& client) {
  client.set_authenticated(true);
  ClientInfo& info = client.State<ClientInfo>();
  if (!*info.pending) return;
  *info.pending = false;
  --unauthenticated_;
  UpdateAccepting();
}

void Server::RemoveClient(ClientList::iterator client) {
  if (*client->pending) --unauthenticated_;
  *client->pending = false;
  clients_.erase(client);
  UpdateAccepting();
  on_change_();
  if (most_clients_ > kCrowd && clients_.size() < most_clients_ / 8) {
    most_clients_ = clients_.size();
    malloc_trim(0);
  }
}

void Server::CloseClients() {
  for (const auto& session : Clients()) session->CloseAfterFlush();
}

std::vector<std::shared_ptr<rpc::ServerSession>> Server::Clients() const {
  std::vector<std::shared_ptr<rpc::ServerSession>> sessions;
  sessions.reserve(clients_.size());
  for (const Client& client : clients_) sessions.push_back(client.session);
  return sessions;
}

std::shared_ptr<rpc::ServerSession> Server::FindClient(std::uint64_t id) const {
  for (const Client& client : clients_) {
    if (client.session->State<ClientInfo>().id == id) return client.session;
  }
  return nullptr;
}

void Server::SetClientLimits(std::uint32_t max_clients, std::uint32_t max_anonymous_clients) {
  if (max_clients < max_anonymous_clients) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInvalidArg,
                "The overall maximum number of clients must not be less than the number of clients waiting for "
                "authentication");
  }
  limits_.max_clients = max_clients;
  limits_.max_anonymous_clients = max_anonymous_clients;
  UpdateAccepting();
}

void Server::SetWorkers(std::uint32_t min, std::uint32_t max, std::uint32_t priority) {
  limits_.min_workers = min;
  limits_.max_workers = max;
  limits_.prio_workers = priority;
  workers_.SetLimits(SlotsFor(max), priority);
}

}  // namespace bv
