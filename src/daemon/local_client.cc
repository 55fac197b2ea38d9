#include "daemon/local_client.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/conf.h"
#include "base/error.h"
#include "base/files.h"
#include "daemon/backend.h"
#include "daemon/uri.h"
#include "protocol/remote.h"

namespace bv {

namespace {

constexpr std::chrono::seconds kConnectLimit{30};
// A daemon that answers nothing for this long is given up.
constexpr std::chrono::seconds kKeepAliveInterval{5};
constexpr std::uint32_t kKeepAliveCount = 12;

constexpr char kSessionPath[] = "/session";

// The session's sockets; root may have a session too.
std::string SessionDir(const DriverEnvironment& environment) {
  if (!environment.privileged) return environment.state_dir;
  if (const char* dir = std::getenv("XDG_RUNTIME_DIR"); dir && *dir) return std::string(dir) + "/libvirt";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : "/root") + "/.cache/libvirt";
}

std::string QueryValue(const std::string& query, const std::string& key) {
  std::string text = "&" + query + "&";
  auto at = text.find("&" + key + "=");
  if (at == text.npos) return {};
  at += key.size() + 2;
  return text.substr(at, text.find('&', at) - at);
}

[[noreturn]] void Refuse(const std::string& uri) {
  throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, fmt::format("{}: only this host's own daemons can be asked", uri));
}

}  // namespace

Task<> OpenUri(std::shared_ptr<rpc::Client> client, std::string uri) {
  rpc::Client::Extra limit{.deadline = In(kConnectLimit)};
  auto offered = co_await client->Call<remote::proc::AuthList>(&limit);
  auto offers = [&](remote::AuthType type) {
    return std::ranges::any_of(offered.types, [&](remote::AuthType offer) { return offer == type; });
  };
  if (offers(remote::AuthType::kPolkit)) {
    co_await client->Call<remote::proc::AuthPolkit>(&limit);
  } else if (offers(remote::AuthType::kSasl) && !offers(remote::AuthType::kNone)) {
    throw Error(ErrorDomain::kRpc, ErrorCode::kAuthFailed, "the daemon wants a password");
  }
  remote::ConnectOpenArgs open;
  open.name = std::move(uri);
  co_await client->Call<remote::proc::ConnectOpen>(open, &limit);
  client->StartKeepAlive(kKeepAliveInterval, kKeepAliveCount);
}

namespace {

// Nothing listens, or the connection ended at once: systemd does that when it may start no daemon any more.
bool IsNobodyThere(const Error& error) {
  return error.code == ErrorCode::kSystemError || (error.domain == ErrorDomain::kRpc && error.code == ErrorCode::kInternalError);
}

}  // namespace

LocalTarget ResolveLocalUri(const std::string& text, const DriverEnvironment& environment) {
  LocalTarget target;
  if (text == "default") {
    target.sockets.push_back(environment.state_dir + "/libvirt-sock");
    for (const Backend& backend : Backends()) {
      if (backend.hypervisor) target.sockets.push_back(fmt::format("{}/{}-sock", environment.state_dir, backend.daemon));
    }
    return target;
  }
  Uri uri = Uri::Parse(text);
  auto plus = uri.scheme.find('+');
  std::string driver = uri.scheme.substr(0, plus);
  if (!uri.server.empty() || (plus != std::string::npos && uri.scheme.substr(plus) != "+unix")) Refuse(text);
  target.name = driver + "://" + uri.path;
  std::string socket = QueryValue(uri.query, "socket");
  if (!socket.empty()) {
    target.sockets.push_back(socket);
    return target;
  }
  std::string dir = uri.path == kSessionPath ? SessionDir(environment) : environment.state_dir;
  target.sockets.push_back(dir + "/libvirt-sock");
  if (const Backend* backend = FindBackend(driver)) target.sockets.push_back(fmt::format("{}/{}-sock", dir, backend->daemon));
  return target;
}

std::string DefaultUriSetting(const DriverEnvironment& environment) {
  if (const char* uri = std::getenv("LIBVIRT_DEFAULT_URI"); uri && *uri) return uri;
  std::string path = environment.config_dir + "/libvirt.conf";
  for (const ConfEntry& entry : ParseConf(ReadFileIfExists(path).value_or(""), path)) {
    auto* uri = std::get_if<std::string>(&entry.value);
    if (entry.key == "uri_default" && uri) return *uri;
  }
  return "default";
}

Task<std::shared_ptr<rpc::Client>> OpenLocalUri(std::string uri, const DriverEnvironment& environment) {
  LocalTarget target = ResolveLocalUri(uri == "default" ? DefaultUriSetting(environment) : uri, environment);
  std::exception_ptr failure;
  for (const std::string& socket : target.sockets) {
    try {
      auto client = co_await rpc::Client::Connect(socket, In(kConnectLimit));
      co_await OpenUri(client, target.name);
      co_return client;
    } catch (const Error& error) {
      // What the first says is the most to the point, unless nobody is there at all.
      if (!failure || access(socket.c_str(), F_OK) == 0) failure = std::current_exception();
      // A daemon that is there and refuses has the last word.
      if (!IsNobodyThere(error)) break;
    }
  }
  std::rethrow_exception(failure);
}

}  // namespace bv
