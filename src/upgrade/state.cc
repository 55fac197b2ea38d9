#include "upgrade/state.h"


#include <charconv>
#include <climits>
#include <cstring>

#include "base/encoding.h"
#include "base/error.h"
#include "upgrade/fds.h"

namespace bv::upgrade {

namespace {

constexpr char kOurs[] = "busyvirt";

[[noreturn]] void Refuse(const std::string& why) {
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "cannot take over the state: " + why);
}

std::uint32_t Number(const Json& from, const char* key, std::uint32_t fallback) {
  Json value = from.Find(key);
  if (!value) return fallback;
  auto number = value.AsUint();
  if (!number || *number > UINT32_MAX) Refuse(std::string("'") + key + "' is out of range");
  return static_cast<std::uint32_t>(*number);
}

std::uint32_t Auth(const Json& from) {
  std::uint32_t auth = Number(from, "auth", 0);
  if (auth > 2) Refuse("'auth' is out of range");
  return auth;
}

bool Flag(const Json& from, const char* key) { return from.Find(key).AsBool().value_or(false); }
std::string Text(const Json& from, const char* key) { return from.Find(key).AsString().value_or(""); }

// A descriptor that must be there.
int Descriptor(const Json& from, const char* key) {
  int fd = InheritedFds::NumberIn(from.Find(key));
  if (fd < 0) Refuse(std::string("'") + key + "' is no descriptor");
  return fd;
}

Json Numbers(const std::vector<int>& fds) {
  Json list = Json::Array();
  for (int fd : fds) list.Append(fd);
  return list;
}

std::vector<int> ParseNumbers(const Json& list) {
  std::vector<int> fds;
  for (const Json& entry : list.elements()) {
    fds.push_back(InheritedFds::NumberIn(entry));
    if (fds.back() < 0) Refuse("a list of descriptors has something else in it");
  }
  return fds;
}

Json FormatSocket(int fd, bool client, bool own_file) {
  return Json::Object({{"fd", fd}, {"errfd", -1}, {"pid", 0}, {"isClient", client}, {"unlinkUNIX", own_file}});
}

// --- who a client is -----------------------------------------------------------------------------

struct TextMember {
  const char* key;
  std::string rpc::Identity::*member;
};
constexpr TextMember kIdentityTexts[] = {{"user", &rpc::Identity::user_name},
                                         {"group", &rpc::Identity::group_name},
                                         {"sasl", &rpc::Identity::sasl_user},
                                         {"x509", &rpc::Identity::x509_dname},
                                         {"selinux", &rpc::Identity::selinux_context},
                                         {"token", &rpc::Identity::system_token}};

Json FormatIdentity(const rpc::Identity& identity) {
  Json json = Json::Object();
  if (identity.uid) json.Set("uid", std::uint64_t{*identity.uid});
  if (identity.gid) json.Set("gid", std::uint64_t{*identity.gid});
  if (identity.pid) json.Set("pid", std::int64_t{*identity.pid});
  if (identity.pid_start_time) json.Set("startTime", *identity.pid_start_time);
  for (const TextMember& text : kIdentityTexts) {
    if (!(identity.*text.member).empty()) json.Set(text.key, identity.*text.member);
  }
  return json;
}

rpc::Identity ParseIdentity(const Json& json) {
  rpc::Identity identity;
  if (json.Find("uid")) identity.uid = Number(json, "uid", 0);
  if (json.Find("gid")) identity.gid = Number(json, "gid", 0);
  if (json.Find("pid")) identity.pid = static_cast<pid_t>(Number(json, "pid", 0));
  identity.pid_start_time = json.Find("startTime").AsUint();
  for (const TextMember& text : kIdentityTexts) identity.*text.member = Text(json, text.key);
  return identity;
}

// --- clients and services ------------------------------------------------------------------------

Json FormatClient(const SavedClient& client) {
  Json ours = FormatConnection(client.connection);
  ours.Remove("fd");
  ours.Set("keepAlive", client.keeps_alive);
  if (client.identity) ours.Set("identity", FormatIdentity(*client.identity));
  return Json::Object({{"id", client.id},
                       {"auth", client.auth},
                       {"auth_pending", client.auth_pending},
                       {"readonly", client.readonly},
                       {"nrequests_max", client.max_requests},
                       {"conn_time", client.since},
                       {"sock", FormatSocket(client.connection.socket, true, false)},
                       {"privateData", client.private_data ? client.private_data : Json::Object()},
                       {kOurs, ours}});
}

SavedClient ParseClient(const Json& json) {
  SavedClient client;
  Json ours = json.Find(kOurs);
  client.id = json.Find("id").AsUint().value_or(0);
  client.auth = Auth(json);
  client.auth_pending = Flag(json, "auth_pending");
  client.readonly = Flag(json, "readonly");
  client.max_requests = Number(json, "nrequests_max", 5);
  client.since = json.Find("conn_time").AsInt().value_or(0);
  Json connection = ours ? ours.Clone() : Json::Object();
  connection.Set("fd", json.Find("sock").Find("fd"));
  client.connection = ParseConnection(connection);
  client.keeps_alive = Flag(ours, "keepAlive");
  if (Json identity = ours.Find("identity")) client.identity = ParseIdentity(identity);
  client.private_data = json.Find("privateData");
  return client;
}

Json FormatService(const SavedService& service) {
  Json sockets = Json::Array();
  sockets.Append(FormatSocket(service.socket, false, service.own_file));
  return Json::Object({{"auth", service.auth},
                       {"readonly", service.readonly},
                       {"nrequests_client_max", service.max_requests},
                       {"socks", sockets},
                       {kOurs, Json::Object({{"tls", service.tls}})}});
}

void ParseService(const Json& json, std::vector<SavedService>& services) {
  for (const Json& socket : json.Find("socks").elements()) {
    services.push_back({.socket = Descriptor(socket, "fd"),
                        .auth = Auth(json),
                        .readonly = Flag(json, "readonly"),
                        .max_requests = Number(json, "nrequests_client_max", 5),
                        .own_file = Flag(socket, "unlinkUNIX"),
                        .tls = Flag(json.Find(kOurs), "tls")});
  }
}

// --- servers -------------------------------------------------------------------------------------

Json FormatServer(const SavedServer& server) {
  Json services = Json::Array(), clients = Json::Array();
  for (const SavedService& service : server.services) services.Append(FormatService(service));
  for (const SavedClient& client : server.clients) clients.Append(FormatClient(client));
  return Json::Object({{"min_workers", server.min_workers},
                       {"max_workers", server.max_workers},
                       {"priority_workers", server.priority_workers},
                       {"max_clients", server.max_clients},
                       {"max_anonymous_clients", server.max_anonymous_clients},
                       {"keepaliveInterval", static_cast<std::uint32_t>(server.keepalive_interval)},
                       {"keepaliveCount", server.keepalive_count},
                       {"next_client_id", server.next_client_id},
                       {"services", services},
                       {"clients", clients}});
}

SavedServer ParseServer(const std::string& name, const Json& json) {
  SavedServer server;
  server.name = name;
  server.min_workers = Number(json, "min_workers", 0);
  server.max_workers = Number(json, "max_workers", 0);
  server.priority_workers = Number(json, "priority_workers", 0);
  server.max_clients = Number(json, "max_clients", 5000);
  server.max_anonymous_clients = Number(json, "max_anonymous_clients", 20);
  server.keepalive_interval = static_cast<int>(Number(json, "keepaliveInterval", UINT32_MAX));
  server.keepalive_count = Number(json, "keepaliveCount", 0);
  server.next_client_id = json.Find("next_client_id").AsUint().value_or(1);
  for (const Json& service : json.Find("services").elements()) ParseService(service, server.services);
  for (const Json& client : json.Find("clients").elements()) server.clients.push_back(ParseClient(client));
  return server;
}

std::string BytesFrom(std::string_view text) {
  std::string result = FromBase64(text);
  // The decoder skips what it does not know.
  if (ToBase64(result) != text) Refuse("bytes are not in base64");
  return result;
}

}  // namespace

Json FormatConnection(const rpc::SavedConnection& connection) {
  Json json = Json::Object({{"fd", connection.socket}});
  if (!connection.input.empty()) json.Set("input", ToBase64(connection.input));
  if (!connection.input_fds.empty()) json.Set("inputFds", Numbers(connection.input_fds));
  if (!connection.output.empty()) {
    Json output = Json::Array();
    for (const auto& part : connection.output) {
      output.Append(Json::Object({{"data", ToBase64(part.bytes)}, {"fds", Numbers(part.fds)}}));
    }
    json.Set("output", output);
  }
  if (connection.closing) json.Set("closing", true);
  return json;
}

rpc::SavedConnection ParseConnection(const Json& json) {
  rpc::SavedConnection connection;
  connection.socket = Descriptor(json, "fd");
  connection.input = BytesFrom(Text(json, "input"));
  connection.input_fds = ParseNumbers(json.Find("inputFds"));
  for (const Json& part : json.Find("output").elements()) {
    connection.output.push_back({BytesFrom(Text(part, "data")), ParseNumbers(part.Find("fds"))});
  }
  connection.closing = Flag(json, "closing");
  return connection;
}

std::string Format(const SavedDaemon& daemon) {
  Json document = daemon.document ? daemon.document.Clone() : Json::Object();
  document.Set("magic", std::to_string(daemon.pid));
  Json servers = Json::Object();
  for (const SavedServer& server : daemon.servers) servers.Set(server.name.c_str(), FormatServer(server));
  document.Set("daemon", Json::Object({{"servers", servers}}));

  Json ours = Json::Object({{"version", kVersion}});
  if (daemon.start_time) ours.Set("startTime", *daemon.start_time);
  if (daemon.pid_file >= 0) ours.Set("pidFile", daemon.pid_file);
  if (daemon.image >= 0) ours.Set("image", daemon.image);
  if (daemon.timeout) ours.Set("timeout", *daemon.timeout);
  if (daemon.log_filters) ours.Set("logFilters", *daemon.log_filters);
  if (daemon.log_outputs) ours.Set("logOutputs", *daemon.log_outputs);
  document.Set(kOurs, ours);
  return document.Dump();
}

SavedDaemon Parse(std::string_view text) {
  SavedDaemon daemon;
  daemon.document = Json::Parse(text);
  std::string magic = Text(daemon.document, "magic");
  auto parsed = std::from_chars(magic.data(), magic.data() + magic.size(), daemon.pid);
  if (parsed.ec != std::errc() || parsed.ptr != magic.data() + magic.size() || daemon.pid <= 0) Refuse("it does not say whose it is");
  if (Json ours = daemon.document.Find(kOurs)) {
    std::uint32_t version = Number(ours, "version", 0);
    if (version < 1 || version > kVersion) {
      Refuse("its version is " + std::to_string(version) + ", and ours is " + std::to_string(kVersion));
    }
    daemon.start_time = ours.Find("startTime").AsUint();
    if (ours.Find("pidFile")) daemon.pid_file = Descriptor(ours, "pidFile");
    if (ours.Find("image")) daemon.image = Descriptor(ours, "image");
    if (ours.Find("timeout")) daemon.timeout = Number(ours, "timeout", 0);
    daemon.log_filters = ours.Find("logFilters").AsString();
    daemon.log_outputs = ours.Find("logOutputs").AsString();
  }
  for (const auto& [name, server] : daemon.document.Find("daemon").Find("servers").members()) {
    daemon.servers.push_back(ParseServer(name, server));
  }
  return daemon;
}

}  // namespace bv::upgrade
