// The part of HostDaemon that opens its sockets.

#include <fmt/core.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>

#include <charconv>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/wait.h"
#include "daemon/host_daemon.h"
#include "daemon/tls_settings.h"

namespace bv {

namespace {

mode_t ParseMode(const std::string& text) {
  mode_t mode = 0;
  auto end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, mode, 8);
  if (parsed.ec != std::errc() || parsed.ptr != end || text.empty() || mode > 0777) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, fmt::format("Failed to parse mode '{}'", text));
  }
  return mode;
}

gid_t ParseGroup(const std::string& text) {
  if (const group* entry = getgrnam(text.c_str())) return entry->gr_gid;
  gid_t gid = 0;
  auto end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, gid);
  if (!text.empty() && parsed.ec == std::errc() && parsed.ptr == end) return gid;
  throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, fmt::format("Failed to parse group '{}'", text));
}

}  // namespace

void HostDaemon::AddUnixSocket(Server& server, std::string_view suffix, const std::string& mode,
                               ListenerOptions options, int backlog) {
  std::string dir = config_.unix_sock_dir.value_or(paths_.socket_dir);
  UnixSocketOptions unix_options{
      .path = SocketPath(personality_, dir, suffix), .mode = ParseMode(mode), .backlog = backlog};
  if (config_.unix_sock_group && !options.own_user_only) unix_options.group = ParseGroup(*config_.unix_sock_group);
  options.own_path = unix_options.path;
  Fd socket = ListenUnix(unix_options);
  server.AddListener(std::move(socket), std::move(options));
}

void HostDaemon::AddIpSocket(Way way, Fd socket) {
  Server& main = *servers_.front();
  if (way == Way::kTcp) {
    main.AddListener(std::move(socket), {.way = way, .auth = config_.TcpAuth()});
    return;
  }
  if (!tls_) {
    tls_ = TlsContext::Load(TlsSettingsOf(config_, paths_));
    admin_hooks_.update_tls = [this] { return ReloadTls(); };
  }
  main.AddListener(std::move(socket), {.way = way, .auth = config_.TlsAuth()},
                   [this](Fd client, Server::OnPeer on_peer) {
                     return TlsContext::MakeTransport(tls_, std::move(client), std::move(on_peer));
                   });
}

Task<> HostDaemon::ReloadTls() {
  auto load = [config = config_, paths = paths_] { return TlsContext::Load(TlsSettingsOf(config, paths)); };
  tls_ = co_await Offload(load);
}

void HostDaemon::OpenIpSockets() {
  if (!personality_.HasTcp()) return;
  if (personality_.kind == ServerKind::kMonolithic && !options_.listen) return;
  int backlog = static_cast<int>(config_.main.max_queued_clients);
  if (config_.listen_tcp) {
    for (Fd& fd : ListenTcp(config_.listen_addr, config_.tcp_port, backlog)) AddIpSocket(Way::kTcp, std::move(fd));
  }
  if (config_.listen_tls) {
    for (Fd& fd : ListenTcp(config_.listen_addr, config_.tls_port, backlog)) AddIpSocket(Way::kTls, std::move(fd));
  }
}

void HostDaemon::OpenSockets(ActivatedSockets sockets) {
  Server& main = *servers_.front();
  Server& admin = *servers_.back();
  bool activated = !sockets.empty();
  bool user_only = !environment_.privileged || !personality_.ServesRemote();
  // What is passed without names is told by the path, which the configuration has no say in.
  std::string dir = activated ? paths_.socket_dir : config_.unix_sock_dir.value_or(paths_.socket_dir);

  // The sockets of this daemon, by what distinguishes their names.
  struct {
    Server& server;
    std::string_view suffix;  // of the path
    std::string_view unit;    // of the unit's name
    std::string mode;
    ListenerOptions options;
    std::uint32_t backlog;
    bool wanted;
  } kinds[] = {
      {main, "-sock", "", user_only ? "0700" : config_.UnixPermissions(false, environment_.privileged),
       {.auth = personality_.ServesRemote() ? config_.UnixAuth(false, environment_.privileged) : AuthScheme::kNone,
        .own_user_only = user_only},
       config_.main.max_queued_clients, true},
      {main, "-sock-ro", "-ro", config_.UnixPermissions(true, environment_.privileged),
       {.readonly = true, .auth = config_.UnixAuth(true, environment_.privileged)},
       config_.main.max_queued_clients, environment_.privileged && personality_.ServesRemote()},
      {admin, "-admin-sock", "-admin", user_only ? "0700" : config_.unix_sock_admin_perms,
       {.own_user_only = true},
       config_.admin.max_queued_clients, true},
  };
  for (auto& kind : kinds) {
    if (!activated) {
      if (kind.wanted) {
        AddUnixSocket(kind.server, kind.suffix, kind.mode, kind.options, static_cast<int>(kind.backlog));
      }
      continue;
    }
    for (std::string name : {fmt::format("{}{}.socket", personality_.name, kind.unit),
                             SocketPath(personality_, dir, kind.suffix)}) {
      for (Fd& fd : sockets.Take(name)) kind.server.AddListener(std::move(fd), kind.options);
    }
  }
  if (!activated) OpenIpSockets();
  if (personality_.HasTcp()) {
    struct {
      Way way;
      std::string unit, port;
    } ip_kinds[] = {{Way::kTcp, "-tcp", "16509"}, {Way::kTls, "-tls", "16514"}};
    for (const auto& kind : ip_kinds) {
      for (std::string name : {fmt::format("{}{}.socket", personality_.name, kind.unit), kind.port}) {
        for (Fd& fd : sockets.Take(name)) AddIpSocket(kind.way, std::move(fd));
      }
    }
  }
  for (const std::string& name : sockets.Names()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                fmt::format("the service manager passed the socket '{}', which this daemon does not know", name));
  }
  if (activated && !config_.own_socket_keys.empty()) {
    LogWarn("daemon", "the service manager makes the sockets, so these keys of the configuration are not used: {}",
            fmt::join(config_.own_socket_keys, ", "));
  }
}

}  // namespace bv
