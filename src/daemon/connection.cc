#include "daemon/connection.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/polkit.h"
#include "daemon/server.h"
#include "daemon/uri.h"

namespace bv {

namespace {

// libvirt's version that we speak for: a million for the major, a thousand for the minor number.
constexpr std::uint64_t kLibVersion = 9000000;

constexpr std::uint32_t kOpenReadOnly = 1;  // VIR_CONNECT_RO

constexpr int kFeatureKeepAlive = 10;
// Descriptor passing, strings among typed parameters, events with a callback id, close callbacks, and
// network updates whose arguments are in the right order.
constexpr int kFeaturesOfTheDaemon[] = {8, 9, kFeatureKeepAlive, 14, 15, 16};

Error NotOpen() {
  return Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "hypervisor connection not open");
}

Error AuthFailed() { return Error(ErrorDomain::kRpc, ErrorCode::kAuthFailed, "authentication failed"); }

// What may be called before CONNECT_OPEN.
bool NeedsNoConnection(const rpc::ProcedureInfo& info) {
  using namespace remote::proc;
  return info.preauth || info.number == ConnectOpen::info.number || info.number == ConnectClose::info.number ||
         info.number == ConnectSupportsFeature::info.number;
}

void SetField(rpc::Identity& identity, const TypedParam& param) {
  auto text = std::get_if<std::string>(&param.value);
  auto number = std::get_if<std::uint64_t>(&param.value);
  auto signed_number = std::get_if<std::int64_t>(&param.value);
  auto set_text = [&](std::string& member) {
    if (text) member = *text;
    return text != nullptr;
  };
  bool known = false;
  if (param.field == "user-name") known = set_text(identity.user_name);
  if (param.field == "group-name") known = set_text(identity.group_name);
  if (param.field == "sasl-user-name") known = set_text(identity.sasl_user);
  if (param.field == "x509-distinguished-name") known = set_text(identity.x509_dname);
  if (param.field == "selinux-context") known = set_text(identity.selinux_context);
  if (param.field == "system.token") known = set_text(identity.system_token);
  if (param.field == "unix-user-id" && number) known = true, identity.uid = static_cast<uid_t>(*number);
  if (param.field == "unix-group-id" && number) known = true, identity.gid = static_cast<gid_t>(*number);
  if (param.field == "process-time" && number) known = true, identity.pid_start_time = *number;
  if (param.field == "process-id" && signed_number) known = true, identity.pid = static_cast<pid_t>(*signed_number);
  if (!known) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "parameter '" + param.field + "' not supported");
  }
}

}  // namespace

bool IsFeatureOfTheDaemon(std::int32_t feature) { return std::ranges::count(kFeaturesOfTheDaemon, feature) > 0; }

void ConnectionService::Register(Service& service) {
  using namespace remote::proc;
  using S = ConnectionService;
  service.set_owner(nullptr);
  service.On<remote::proc::AuthList>(this, &S::AuthList);
  service.On<remote::proc::AuthPolkit>(this, &S::AuthPolkit);
  service.On<ConnectOpen>(this, &S::Open);
  service.On<ConnectClose>(this, &S::Close);
  service.On<ConnectSupportsFeature>(this, &S::SupportsFeature);
  service.On<ConnectGetLibVersion>(this, &S::GetLibVersion);
  service.On<ConnectGetUri>(this, &S::GetUri);
  service.On<ConnectIsSecure>(this, &S::IsSecure);
  service.On<ConnectRegisterCloseCallback>(this, &S::RegisterCloseCallback);
  service.On<ConnectUnregisterCloseCallback>(this, &S::UnregisterCloseCallback);
  service.On<ConnectSetIdentity>(this, &S::SetIdentity);
  service.set_gate([](Call& call) {
    if (!NeedsNoConnection(*call.procedure().info) && !call.client().State<OpenConnection>().driver) throw NotOpen();
  });
}

Task<remote::AuthListRet> ConnectionService::AuthList(Call& call) {
  ClientSession& client = call.client();
  const ClientInfo& info = client.State<ClientInfo>();
  remote::AuthType type = remote::AuthType::kNone;
  if (info.auth == AuthScheme::kSasl) type = remote::AuthType::kSasl;
  // Root may do everything anyway, and a bus that is down must not lock it out.
  if (info.auth == AuthScheme::kPolkit && client.identity().uid != 0u) type = remote::AuthType::kPolkit;
  if (type == remote::AuthType::kNone) info.server->Authenticated(client);
  remote::AuthListRet ret;
  ret.types.push_back(type);
  co_return ret;
}

Task<remote::AuthPolkitRet> ConnectionService::AuthPolkit(Call& call) {
  ClientSession& client = call.client();
  ClientInfo& info = client.State<ClientInfo>();
  if (info.auth != AuthScheme::kPolkit || client.authenticated()) throw AuthFailed();
  std::string action = client.readonly() ? "org.libvirt.unix.monitor" : "org.libvirt.unix.manage";
  rpc::Identity identity = client.identity();
  if (identity.uid != 0u) co_await CheckPolkit(std::move(action), std::move(identity), {}, true);
  info.server->Authenticated(client);
  remote::AuthPolkitRet ret;
  ret.complete = 1;
  co_return ret;
}

Driver& ConnectionService::Choose(std::string& name) const {
  if (name.empty()) {
    for (const auto& driver : drivers_) {
      name = driver->DefaultUri();
      if (!name.empty()) return *driver;
    }
    throw Error(ErrorDomain::kNone, ErrorCode::kNoConnect, "(null)");
  }
  Uri uri = Uri::Parse(name);
  if (uri.scheme.empty()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kNoConnect, "URI '" + name + "' does not include a driver name");
  }
  for (const auto& driver : drivers_) {
    if (driver->AcceptsUri(uri)) return *driver;
  }
  throw Error(ErrorDomain::kNone, ErrorCode::kNoConnect, name);
}

Task<> ConnectionService::Open(Call& call, remote::ConnectOpenArgs args) {
  ClientSession& client = call.client();
  OpenConnection& connection = client.State<OpenConnection>();
  if (connection.driver || connection.opening) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "connection already open");
  }
  if (!args.name) throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, "connection not open");
  Driver& driver = Choose(*args.name);
  if (args.flags & kOpenReadOnly) client.set_readonly(true);
  connection.opening = true;
  try {
    co_await driver.OpenConnection(client, *args.name);
  } catch (const Error&) {
    connection.opening = false;
    throw;
  }
  Connect(client, driver, std::move(*args.name));
}

void ConnectionService::Connect(ClientSession& client, Driver& driver, std::string uri) const {
  std::vector<const void*> owners{&driver};
  if (driver.IsHypervisor()) {
    for (const auto& other : drivers_) {
      if (!other->IsHypervisor()) owners.push_back(other.get());
    }
  }
  client.RouteTo(std::move(owners));
  OpenConnection& connection = client.State<OpenConnection>();
  connection.driver = &driver;
  connection.uri = std::move(uri);
}

void ConnectionService::SaveClient(ClientSession& client, Json& state) const {
  const OpenConnection& connection = client.State<OpenConnection>();
  if (connection.driver) state.Set("uri", connection.uri);
}

void ConnectionService::RestoreClient(ClientSession& client, const Json& state) const {
  auto uri = state.Find("uri").AsString();
  if (!uri) return;
  Driver& driver = Choose(*uri);
  Connect(client, driver, std::move(*uri));
}

Task<> ConnectionService::Close(Call& call) {
  ClientSession& client = call.client();
  call.AfterReply([session = client.shared_from_this()] { session->CloseAfterFlush(); });
  co_return;
}

Task<remote::ConnectSupportsFeatureRet> ConnectionService::SupportsFeature(Call& call,
                                                                           remote::ConnectSupportsFeatureArgs args) {
  ClientSession& client = call.client();
  const OpenConnection& connection = client.State<OpenConnection>();
  remote::ConnectSupportsFeatureRet ret;
  if (args.feature == kFeatureKeepAlive) {
    client.StartKeepAlive();
    ret.supported = 1;
    co_return ret;
  }
  if (!connection.driver) throw NotOpen();
  ret.supported = IsFeatureOfTheDaemon(args.feature) || connection.driver->SupportsFeature(args.feature);
  co_return ret;
}

Task<remote::ConnectGetLibVersionRet> ConnectionService::GetLibVersion(Call&) {
  remote::ConnectGetLibVersionRet ret;
  ret.lib_ver = kLibVersion;
  co_return ret;
}

Task<remote::ConnectGetUriRet> ConnectionService::GetUri(Call& call) {
  remote::ConnectGetUriRet ret;
  ret.uri = call.client().State<OpenConnection>().uri;
  co_return ret;
}

Task<remote::ConnectIsSecureRet> ConnectionService::IsSecure(Call&) {
  // About the way from here to the hypervisor; the client knows its own way to us.
  remote::ConnectIsSecureRet ret;
  ret.secure = 1;
  co_return ret;
}

// A client sees by itself that its connection has ended; no driver here ends one from its side.
Task<> ConnectionService::RegisterCloseCallback(Call&) { co_return; }
Task<> ConnectionService::UnregisterCloseCallback(Call&) { co_return; }

Task<> ConnectionService::SetIdentity(Call& call, remote::ConnectSetIdentityArgs args) {
  if (args.flags != 0) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "unsupported flags in function virConnectSetIdentity");
  }
  ClientSession& client = call.client();
  // Only a proxy may speak for others: root, or the user whose own daemon this is.
  if (privileged_ && client.identity().uid != 0u && !args.params.empty()) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kAccessDenied, "only root may set the identity of a connection");
  }
  rpc::Identity identity;
  for (const TypedParam& param : args.params) SetField(identity, param);
  if (!args.params.empty()) client.set_identity(std::move(identity));
  co_return;
}

}  // namespace bv
