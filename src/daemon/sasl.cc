#include "daemon/sasl.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "daemon/pattern.h"
#include "daemon/server.h"

#ifdef BV_WITH_SASL
#include "base/wait.h"
#include "daemon/library.h"
#include "daemon/sasl_transport.h"
#endif

namespace bv {

void SaslService::Register(Service& service) {
  using namespace remote::proc;
  service.On<AuthSaslInit>(this, &SaslService::Init);
  service.On<AuthSaslStart>(this, &SaslService::Start);
  service.On<AuthSaslStep>(this, &SaslService::Step);
}

#ifdef BV_WITH_SASL

void SaslService::Require() {}

namespace {

constexpr char kLog[] = "rpc.netsaslcontext";
constexpr char kServiceName[] = "libvirt";
constexpr int kLeastStrength = 56;  // bits; below that nobody should call it encryption
constexpr int kMaxStrength = 100000;
constexpr unsigned kMaxBuffer = 65536;

Error AuthFailed() { return Error(ErrorDomain::kRpc, ErrorCode::kAuthFailed, "authentication failed"); }

}  // namespace

const SaslLibrary& SaslLibrary::Load() {
  static const SaslLibrary* loaded = []() -> const SaslLibrary* {
    static SaslLibrary lib;
    Library library("libsasl2.so.2");
#define BV_FIND(name) library.Find(#name, lib.name);
    BV_SASL_FUNCTIONS(BV_FIND)
#undef BV_FIND
    return library.complete() && lib.sasl_server_init(nullptr, kServiceName) == SASL_OK ? &lib : nullptr;
  }();
  if (!loaded) {
    LogError(kLog, "SASL is configured, but libsasl2 is not there or cannot be set up");
    throw AuthFailed();
  }
  return *loaded;
}

// A client's negotiation; in its State().
struct SaslService::Negotiation {
  SaslConnection connection;
  bool secure = false;  // TLS or Unix: no layer is needed
  bool started = false;
};

struct SaslService::Answer {
  bool complete = false;
  bool nil = true;
  std::string data;
};

void SaslService::Fail(ClientSession& client, const std::string& why) const {
  LogError(kLog, "authentication failed: {}", why);
  client.State<Negotiation>() = {};
  throw AuthFailed();
}

Task<remote::AuthSaslInitRet> SaslService::Init(Call& call) {
  ClientSession& client = call.client();
  const ClientInfo& info = client.State<ClientInfo>();
  Negotiation& negotiation = client.State<Negotiation>();
  if (info.auth != AuthScheme::kSasl || client.authenticated() || negotiation.connection) {
    Fail(client, "client tried invalid SASL init request");
  }
  const SaslLibrary& lib = SaslLibrary::Load();
  bool on_ip = info.way != Way::kUnix;
  sasl_conn_t* raw = nullptr;
  int code = lib.sasl_server_new(kServiceName, nullptr, nullptr, on_ip ? info.local_address.c_str() : nullptr,
                                 on_ip ? info.address.c_str() : nullptr, nullptr, SASL_SUCCESS_DATA, &raw);
  if (code != SASL_OK) Fail(client, fmt::format("cannot set SASL up ({})", code));
  negotiation.connection = SaslConnection(raw, [&lib](sasl_conn_t* c) { lib.sasl_dispose(&c); });
  negotiation.secure = info.way != Way::kTcp;

  if (info.way == Way::kTls) {
    auto bits = static_cast<sasl_ssf_t>(info.tls_bits);
    lib.sasl_setprop(raw, SASL_SSF_EXTERNAL, &bits);
  }
  sasl_security_properties_t properties{};
  properties.maxbufsize = kMaxBuffer;
  if (!negotiation.secure) {
    properties.min_ssf = config_.tcp_min_ssf;
    properties.max_ssf = kMaxStrength;
    properties.security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT;
  }
  lib.sasl_setprop(raw, SASL_SEC_PROPS, &properties);

  const char* mechanisms = nullptr;
  if (lib.sasl_listmech(raw, nullptr, "", ",", "", &mechanisms, nullptr, nullptr) != SASL_OK) {
    Fail(client, fmt::format("cannot list SASL mechanisms: {}", lib.sasl_errdetail(raw)));
  }
  remote::AuthSaslInitRet ret;
  ret.mechlist = mechanisms;
  co_return ret;
}

Task<SaslService::Answer> SaslService::Go(Call& call, std::string mechanism, bool nil, std::string data) {
  ClientSession& client = call.client();
  const ClientInfo& info = client.State<ClientInfo>();
  Negotiation& negotiation = client.State<Negotiation>();
  bool starting = !mechanism.empty();
  if (info.auth != AuthScheme::kSasl || !negotiation.connection || negotiation.started == starting) {
    Fail(client, fmt::format("client tried invalid SASL {} request", starting ? "start" : "step"));
  }
  negotiation.started = true;
  const SaslLibrary& lib = SaslLibrary::Load();

  // Password databases and Kerberos read files and may ask other hosts.
  struct Outcome {
    int code;
    bool nil;
    std::string data;
  };
  SaslConnection connection = negotiation.connection;
  auto work = [&lib, connection, starting, mechanism, nil, data] {
    const char* out = nullptr;
    unsigned size = 0;
    const char* in = nil ? nullptr : data.data();
    auto in_size = static_cast<unsigned>(nil ? 0 : data.size());
    int code = starting ? lib.sasl_server_start(connection.get(), mechanism.c_str(), in, in_size, &out, &size)
                        : lib.sasl_server_step(connection.get(), in, in_size, &out, &size);
    return Outcome{code, out == nullptr, out ? std::string(out, size) : std::string()};
  };
  Outcome outcome = co_await Offload(work);
  if (outcome.code != SASL_OK && outcome.code != SASL_CONTINUE) {
    Fail(client, fmt::format("sasl {} reply {}: {}", starting ? "start" : "step", outcome.code,
                             lib.sasl_errdetail(connection.get())));
  }
  Answer answer;
  answer.complete = outcome.code == SASL_OK;
  answer.nil = outcome.nil;
  answer.data = std::move(outcome.data);
  if (answer.data.size() > kMaxBuffer) Fail(client, "sasl reply data too long");
  if (answer.complete) Finish(call, negotiation);
  co_return answer;
}

void SaslService::Finish(Call& call, Negotiation& negotiation) const {
  ClientSession& client = call.client();
  const SaslLibrary& lib = SaslLibrary::Load();
  sasl_conn_t* connection = negotiation.connection.get();
  const void* value = nullptr;
  int strength = 0;
  if (!negotiation.secure) {
    if (lib.sasl_getprop(connection, SASL_SSF, &value) != SASL_OK) Fail(client, "no SASL strength");
    strength = *static_cast<const int*>(value);
    if (strength < kLeastStrength) Fail(client, fmt::format("negotiated SSF {} was not strong enough", strength));
  }
  if (lib.sasl_getprop(connection, SASL_USERNAME, &value) != SASL_OK || !value) Fail(client, "no SASL user name");
  std::string user = static_cast<const char*>(value);
  if (const auto& allowed = config_.sasl_allowed_username_list) {
    bool listed = std::ranges::any_of(*allowed, [&](const std::string& pattern) { return MatchesPattern(pattern, user); });
    if (!listed) Fail(client, fmt::format("SASL client identity '{}' not allowed by sasl_allowed_username_list", user));
  }
  rpc::Identity identity = client.identity();
  identity.sasl_user = std::move(user);
  client.set_identity(std::move(identity));
  ClientInfo& info = client.State<ClientInfo>();
  info.server->Authenticated(client);

  SaslConnection kept = std::move(negotiation.connection);
  negotiation = {};
  if (strength == 0) return;
  // The reply still goes in clear, everything after it through the layer.
  static_cast<rpc::ServerSession&>(client).WrapTransport(
      [&lib, kept](std::unique_ptr<rpc::Transport> inner) { return MakeSaslTransport(lib, kept, std::move(inner)); });
}

Task<remote::AuthSaslStartRet> SaslService::Start(Call& call, remote::AuthSaslStartArgs args) {
  std::string data = args.data;
  Answer answer = co_await Go(call, std::move(args.mech), args.nil != 0, std::move(data));
  remote::AuthSaslStartRet ret;
  ret.complete = answer.complete;
  ret.nil = answer.nil;
  static_cast<std::string&>(ret.data) = std::move(answer.data);
  co_return ret;
}

Task<remote::AuthSaslStepRet> SaslService::Step(Call& call, remote::AuthSaslStepArgs args) {
  std::string data = args.data;
  Answer answer = co_await Go(call, {}, args.nil != 0, std::move(data));
  remote::AuthSaslStepRet ret;
  ret.complete = answer.complete;
  ret.nil = answer.nil;
  static_cast<std::string&>(ret.data) = std::move(answer.data);
  co_return ret;
}

#else

void SaslService::Require() {
  throw Error(ErrorDomain::kRpc, ErrorCode::kConfigUnsupported, "sasl is to authenticate clients, and this build has no SASL");
}

namespace {
Error NoSasl() { return Error(ErrorDomain::kRpc, ErrorCode::kAuthFailed, "authentication failed"); }
}  // namespace

Task<remote::AuthSaslInitRet> SaslService::Init(Call&) { throw NoSasl(); co_return remote::AuthSaslInitRet(); }
Task<remote::AuthSaslStartRet> SaslService::Start(Call&, remote::AuthSaslStartArgs) { throw NoSasl(); co_return remote::AuthSaslStartRet(); }
Task<remote::AuthSaslStepRet> SaslService::Step(Call&, remote::AuthSaslStepArgs) { throw NoSasl(); co_return remote::AuthSaslStepRet(); }

#endif

}  // namespace bv
