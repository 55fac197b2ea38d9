#include "daemon/admin.h"

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wait.h"

namespace bv {

namespace {

constexpr std::uint64_t kLibVersion = 9000000;

void CheckFlags(std::uint32_t flags, const char* function) {
  if (flags == 0) return;
  throw Error(ErrorDomain::kAdmin, ErrorCode::kInvalidArg,
              fmt::format("unsupported flags ({:#x}) in function {}", flags, function));
}

TypedParam Param(const char* field, TypedParamValue value) {
  TypedParam param;
  param.field = field;
  param.value = std::move(value);
  return param;
}

// The unsigned parameters of a set call, each at most once and none unknown.
class UnsignedParams {
 public:
  template <typename List>
  UnsignedParams(const List& params, std::initializer_list<std::string_view> known) {
    for (const TypedParam& param : params) {
      if (!std::ranges::count(known, std::string_view(param.field))) Fail("parameter '{}' not supported", param.field);
      if (Find(param.field)) Fail("parameter '{}' occurs multiple times", param.field);
      auto* value = std::get_if<std::uint32_t>(&param.value);
      if (!value) Fail("invalid type for parameter '{}', expected uint", param.field);
      values_.emplace_back(param.field, *value);
    }
  }

  std::optional<std::uint32_t> Find(std::string_view field) const {
    for (const auto& [name, value] : values_) {
      if (name == field) return value;
    }
    return std::nullopt;
  }

 private:
  [[noreturn]] static void Fail(fmt::format_string<const std::string&> format, const std::string& field) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, fmt::format(format, field));
  }
  std::vector<std::pair<std::string, std::uint32_t>> values_;
};

admin::NonnullClient Describe(const Server& server, rpc::ServerSession& session) {
  const ClientInfo& info = session.State<ClientInfo>();
  admin::NonnullClient client;
  client.srv.name = server.name();
  client.id = info.id;
  client.timestamp = info.since;
  client.transport = static_cast<std::uint32_t>(info.way);
  return client;
}

std::shared_ptr<rpc::ServerSession> FindClient(const Server& server, std::uint64_t id) {
  if (auto session = server.FindClient(id)) return session;
  throw Error(ErrorDomain::kRpc, ErrorCode::kNoClient, fmt::format("No client with matching ID '{}'", id));
}

// May block in the name service.
void AddUnixNames(rpc::Identity& identity) {
  if (identity.uid && identity.user_name.empty()) {
    if (const passwd* user = getpwuid(*identity.uid)) identity.user_name = user->pw_name;
  }
  if (identity.gid && identity.group_name.empty()) {
    if (const group* entry = getgrgid(*identity.gid)) identity.group_name = entry->gr_name;
  }
}

}  // namespace

void AdminService::Register(Service& service) {
  using namespace admin::proc;
  using A = AdminService;
  service.On<admin::proc::ConnectOpen>(this, &A::ConnectOpen);
  service.On<admin::proc::ConnectClose>(this, &A::ConnectClose);
  service.On<ConnectGetLibVersion>(this, &A::GetLibVersion);
  service.On<ConnectListServers>(this, &A::ListServers);
  service.On<ConnectLookupServer>(this, &A::LookupServer);
  service.On<ServerGetThreadpoolParameters>(this, &A::GetThreadpool);
  service.On<ServerSetThreadpoolParameters>(this, &A::SetThreadpool);
  service.On<ServerListClients>(this, &A::ListClients);
  service.On<ServerLookupClient>(this, &A::LookupClient);
  service.On<ClientGetInfo>(this, &A::GetClientInfo);
  service.On<ClientClose>(this, &A::CloseClient);
  service.On<ServerGetClientLimits>(this, &A::GetClientLimits);
  service.On<ServerSetClientLimits>(this, &A::SetClientLimits);
  service.On<ConnectGetLoggingOutputs>(this, &A::GetLoggingOutputs);
  service.On<ConnectGetLoggingFilters>(this, &A::GetLoggingFilters);
  service.On<ConnectSetLoggingOutputs>(this, &A::SetLoggingOutputs);
  service.On<ConnectSetLoggingFilters>(this, &A::SetLoggingFilters);
  service.On<ServerUpdateTlsFiles>(this, &A::UpdateTlsFiles);
  service.On<ConnectSetDaemonTimeout>(this, &A::SetDaemonTimeout);
}

Server& AdminService::Find(const std::string& name) const {
  for (const auto& server : servers_) {
    if (server->name() == name) return *server;
  }
  throw Error(ErrorDomain::kRpc, ErrorCode::kNoServer, fmt::format("No server named '{}'", name));
}

Task<> AdminService::ConnectOpen(Call&, admin::ConnectOpenArgs args) {
  CheckFlags(args.flags, "adminDispatchConnectOpen");
  co_return;
}

Task<> AdminService::ConnectClose(Call& call) {
  call.AfterReply([session = call.client().shared_from_this()] { session->CloseAfterFlush(); });
  co_return;
}

Task<admin::ConnectGetLibVersionRet> AdminService::GetLibVersion(Call&) {
  admin::ConnectGetLibVersionRet ret;
  ret.libVer = kLibVersion;
  co_return ret;
}

Task<admin::ConnectListServersRet> AdminService::ListServers(Call&, admin::ConnectListServersArgs args) {
  CheckFlags(args.flags, "adminConnectListServers");
  admin::ConnectListServersRet ret;
  ret.ret = static_cast<std::uint32_t>(servers_.size());
  if (args.need_results) {
    for (const auto& server : servers_) ret.servers.emplace_back().name = server->name();
  }
  co_return ret;
}

Task<admin::ConnectLookupServerRet> AdminService::LookupServer(Call&, admin::ConnectLookupServerArgs args) {
  CheckFlags(args.flags, "adminConnectLookupServer");
  admin::ConnectLookupServerRet ret;
  ret.srv.name = Find(args.name).name();
  co_return ret;
}

Task<admin::ServerGetThreadpoolParametersRet> AdminService::GetThreadpool(
    Call&, admin::ServerGetThreadpoolParametersArgs args) {
  CheckFlags(args.flags, "adminServerGetThreadPoolParameters");
  Server& server = Find(args.srv.name);
  const ServerLimits& limits = server.limits();
  // There are no threads to count: as many workers as calls run, and never fewer than are configured.
  std::uint32_t running = limits.max_workers ? server.workers().running() : 0;
  std::uint32_t workers = std::max(limits.min_workers, running);
  admin::ServerGetThreadpoolParametersRet ret;
  ret.params.push_back(Param("minWorkers", limits.min_workers));
  ret.params.push_back(Param("maxWorkers", limits.max_workers));
  ret.params.push_back(Param("nWorkers", workers));
  ret.params.push_back(Param("freeWorkers", workers - running));
  ret.params.push_back(Param("prioWorkers", limits.prio_workers));
  ret.params.push_back(Param("jobQueueDepth", static_cast<std::uint32_t>(server.workers().waiting())));
  co_return ret;
}

Task<> AdminService::SetThreadpool(Call&, admin::ServerSetThreadpoolParametersArgs args) {
  CheckFlags(args.flags, "adminServerSetThreadPoolParameters");
  Server& server = Find(args.srv.name);
  UnsignedParams params(args.params, {"minWorkers", "maxWorkers", "prioWorkers"});
  const ServerLimits& limits = server.limits();
  std::uint32_t min = params.Find("minWorkers").value_or(limits.min_workers);
  std::uint32_t max = params.Find("maxWorkers").value_or(limits.max_workers);
  if (min > max) throw Error(ErrorDomain::kThread, ErrorCode::kInvalidArg, "minWorkers cannot be larger than maxWorkers");
  if ((max == 0) != (limits.max_workers == 0)) {
    throw Error(ErrorDomain::kThread, ErrorCode::kInvalidArg,
                "maxWorkers must not be switched from zero to non-zero and vice versa");
  }
  server.SetWorkers(min, max, params.Find("prioWorkers").value_or(limits.prio_workers));
  co_return;
}

Task<admin::ServerListClientsRet> AdminService::ListClients(Call&, admin::ServerListClientsArgs args) {
  CheckFlags(args.flags, "adminServerListClients");
  Server& server = Find(args.srv.name);
  admin::ServerListClientsRet ret;
  auto clients = server.Clients();
  ret.ret = static_cast<std::uint32_t>(clients.size());
  if (args.need_results) {
    for (const auto& session : clients) ret.clients.push_back(Describe(server, *session));
  }
  co_return ret;
}

Task<admin::ServerLookupClientRet> AdminService::LookupClient(Call&, admin::ServerLookupClientArgs args) {
  CheckFlags(args.flags, "adminServerLookupClient");
  Server& server = Find(args.srv.name);
  admin::ServerLookupClientRet ret;
  ret.clnt = Describe(server, *FindClient(server, args.id));
  co_return ret;
}

Task<admin::ClientGetInfoRet> AdminService::GetClientInfo(Call&, admin::ClientGetInfoArgs args) {
  CheckFlags(args.flags, "adminClientGetInfo");
  auto session = FindClient(Find(args.clnt.srv.name), args.clnt.id);
  rpc::Identity identity = session->identity();
  bool local = session->State<ClientInfo>().way == Way::kUnix;
  if (local) {
    auto look_up = [identity]() mutable {
      AddUnixNames(identity);
      return identity;
    };
    identity = co_await Offload(look_up);
  }
  admin::ClientGetInfoRet ret;
  auto add = [&](const char* field, TypedParamValue value) { ret.params.push_back(Param(field, std::move(value))); };
  add("readonly", session->readonly());
  if (!local) add("sock_addr", session->State<ClientInfo>().address);
  if (!identity.sasl_user.empty()) add("sasl_user_name", identity.sasl_user);
  if (local) {
    if (identity.uid) add("unix_user_id", static_cast<std::int32_t>(*identity.uid));
    if (!identity.user_name.empty()) add("unix_user_name", identity.user_name);
    if (identity.gid) add("unix_group_id", static_cast<std::int32_t>(*identity.gid));
    if (!identity.group_name.empty()) add("unix_group_name", identity.group_name);
    if (identity.pid) add("unix_process_id", static_cast<std::int32_t>(*identity.pid));
  }
  if (!identity.x509_dname.empty()) add("tls_x509_dname", identity.x509_dname);
  if (!identity.selinux_context.empty()) add("selinux_context", identity.selinux_context);
  co_return ret;
}

Task<> AdminService::CloseClient(Call&, admin::ClientCloseArgs args) {
  CheckFlags(args.flags, "adminClientClose");
  FindClient(Find(args.clnt.srv.name), args.clnt.id)->CloseAfterFlush();
  co_return;
}

Task<admin::ServerGetClientLimitsRet> AdminService::GetClientLimits(Call&, admin::ServerGetClientLimitsArgs args) {
  CheckFlags(args.flags, "adminServerGetClientLimits");
  Server& server = Find(args.srv.name);
  admin::ServerGetClientLimitsRet ret;
  ret.params.push_back(Param("nclients_max", server.limits().max_clients));
  ret.params.push_back(Param("nclients", static_cast<std::uint32_t>(server.client_count())));
  ret.params.push_back(Param("nclients_unauth_max", server.limits().max_anonymous_clients));
  ret.params.push_back(Param("nclients_unauth", static_cast<std::uint32_t>(server.unauthenticated_count())));
  co_return ret;
}

Task<> AdminService::SetClientLimits(Call&, admin::ServerSetClientLimitsArgs args) {
  CheckFlags(args.flags, "adminServerSetClientLimits");
  Server& server = Find(args.srv.name);
  UnsignedParams params(args.params, {"nclients_max", "nclients_unauth_max"});
  const ServerLimits& limits = server.limits();
  server.SetClientLimits(params.Find("nclients_max").value_or(limits.max_clients),
                         params.Find("nclients_unauth_max").value_or(limits.max_anonymous_clients));
  co_return;
}

Task<admin::ConnectGetLoggingOutputsRet> AdminService::GetLoggingOutputs(Call&,
                                                                         admin::ConnectGetLoggingOutputsArgs args) {
  CheckFlags(args.flags, "adminConnectGetLoggingOutputs");
  admin::ConnectGetLoggingOutputsRet ret;
  ret.outputs = GetLogOutputs();
  ret.noutputs = static_cast<std::uint32_t>(Words(ret.outputs).size());
  co_return ret;
}

Task<admin::ConnectGetLoggingFiltersRet> AdminService::GetLoggingFilters(Call&,
                                                                         admin::ConnectGetLoggingFiltersArgs args) {
  CheckFlags(args.flags, "adminConnectGetLoggingFilters");
  admin::ConnectGetLoggingFiltersRet ret;
  std::string filters = GetLogFilters();
  ret.nfilters = static_cast<std::uint32_t>(Words(filters).size());
  if (ret.nfilters > 0) ret.filters = std::move(filters);
  co_return ret;
}

Task<> AdminService::SetLoggingOutputs(Call&, admin::ConnectSetLoggingOutputsArgs args) {
  CheckFlags(args.flags, "adminConnectSetLoggingOutputs");
  std::string outputs = args.outputs.value_or("");
  SetLogOutputs(!Words(outputs).empty() ? outputs : hooks_.default_log_outputs);
  co_return;
}

Task<> AdminService::SetLoggingFilters(Call&, admin::ConnectSetLoggingFiltersArgs args) {
  CheckFlags(args.flags, "adminConnectSetLoggingFilters");
  SetLogFilters(args.filters.value_or(""));
  co_return;
}

Task<> AdminService::UpdateTlsFiles(Call&, admin::ServerUpdateTlsFilesArgs args) {
  CheckFlags(args.flags, "adminServerUpdateTlsFiles");
  Find(args.srv.name);
  if (!hooks_.update_tls) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "no tls service found, unable to update tls files");
  }
  co_await hooks_.update_tls();
}

Task<> AdminService::SetDaemonTimeout(Call&, admin::ConnectSetDaemonTimeoutArgs args) {
  CheckFlags(args.flags, "adminConnectSetDaemonTimeout");
  hooks_.set_timeout(args.timeout);
  co_return;
}

}  // namespace bv
