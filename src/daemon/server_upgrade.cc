// The part of Server that passes its clients to the next process image.

#include <sys/socket.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/server.h"

namespace bv {

namespace {

constexpr char kLog[] = "rpc.netserver";

bool IsConnected(int fd) {
  sockaddr_storage address;
  socklen_t size = sizeof address;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
}

void Pass(const rpc::SavedConnection& connection, upgrade::PassedFds& fds) {
  fds.Pass(connection.socket);
  for (int fd : connection.input_fds) fds.Pass(fd);
  for (const auto& part : connection.output) {
    for (int fd : part.fds) fds.Pass(fd);
  }
}

}  // namespace

upgrade::SavedServer Server::Save(upgrade::PassedFds& fds, const SaveClient& save_client) const {
  upgrade::SavedServer saved{.name = name_,
                             .min_workers = limits_.min_workers,
                             .max_workers = limits_.max_workers,
                             .priority_workers = limits_.prio_workers,
                             .max_clients = limits_.max_clients,
                             .max_anonymous_clients = limits_.max_anonymous_clients,
                             .keepalive_interval = limits_.keepalive_interval,
                             .keepalive_count = limits_.keepalive_count,
                             .next_client_id = next_id_};
  for (const Entry& entry : listeners_) {
    saved.services.push_back({.socket = fds.Pass(entry.listener->fd()),
                              .auth = static_cast<std::uint32_t>(entry.options.auth),
                              .readonly = entry.options.readonly,
                              .max_requests = limits_.max_client_requests,
                              .own_file = !entry.options.own_path.empty(),
                              .tls = entry.options.way == Way::kTls});
  }
  for (const Client& client : clients_) {
    rpc::ServerSession& session = *client.session;
    auto connection = session.connected() ? session.SaveConnection() : std::nullopt;
    if (!connection) continue;
    Pass(*connection, fds);
    const ClientInfo& info = session.State<ClientInfo>();
    upgrade::SavedClient entry{.id = info.id,
                               .auth = static_cast<std::uint32_t>(info.auth),
                               .auth_pending = *client.pending,
                               .readonly = session.readonly(),
                               .keeps_alive = session.keeps_alive(),
                               .max_requests = session.options().max_requests,
                               .since = info.since,
                               .connection = std::move(*connection),
                               .identity = session.identity(),
                               .private_data = Json::Object()};
    save_client(session, entry.private_data);
    saved.clients.push_back(std::move(entry));
  }
  return saved;
}

void Server::Restore(const upgrade::SavedServer& saved) {
  SetWorkers(saved.min_workers, saved.max_workers, saved.priority_workers);
  SetClientLimits(saved.max_clients, saved.max_anonymous_clients);
  limits_.keepalive_interval = saved.keepalive_interval;
  limits_.keepalive_count = saved.keepalive_count;
  next_id_ = saved.next_client_id;
}

std::shared_ptr<rpc::ServerSession> Server::RestoreClient(const upgrade::SavedClient& saved, upgrade::InheritedFds& fds) {
  auto client = clients_.emplace(clients_.end());
  try {
    rpc::SavedConnection connection = saved.connection;
    Fd socket = fds.Take(connection.socket);
    for (int& fd : connection.input_fds) fd = fds.TakeNumber(fd);
    for (auto& part : connection.output) {
      for (int& fd : part.fds) fd = fds.TakeNumber(fd);
    }
    if (!IsConnected(socket.get())) throw SystemError(ErrorDomain::kRpc, "it is not connected");
    bool is_unix = AddressFamilyOf(socket.get()) == AF_UNIX;
    auto [address, local_address] = AddressesOf(socket.get());
    rpc::Identity identity =
        saved.identity ? *saved.identity
                       : PeerIdentity(socket.get(), saved.auth == static_cast<std::uint32_t>(AuthScheme::kPolkit));
    rpc::SessionOptions options{.max_requests = saved.max_requests,
                                .keepalive_interval = std::chrono::seconds(limits_.keepalive_interval),
                                .keepalive_count = limits_.keepalive_count,
                                .readonly = saved.readonly};
    rpc::ServerSession& session = MakeSession(client, rpc::MakeSocketTransport(std::move(socket)), options);
    session.RestoreConnection(std::move(connection));
    session.set_identity(std::move(identity));
    session.State<ClientInfo>() = {.server = this,
                                   .id = saved.id,
                                   .since = saved.since,
                                   .way = is_unix ? Way::kUnix : Way::kTcp,
                                   .auth = static_cast<AuthScheme>(saved.auth),
                                   .pending = client->pending,
                                   .address = std::move(address),
                                   .local_address = std::move(local_address)};
    ++unauthenticated_;
    if (!saved.auth_pending) Authenticated(session);
    if (saved.keeps_alive) session.StartKeepAlive();
    restored_.push_back(client->session);
    return client->session;
  } catch (const std::exception& e) {
    LogWarn(kLog, "client {} could not be taken over: {}", saved.id, e.what());
    clients_.erase(client);
    return nullptr;
  }
}

}  // namespace bv
