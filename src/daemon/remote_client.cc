#include "daemon/remote_client.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include "base/command.h"
#include "base/error.h"
#include "base/wait.h"
#include "daemon/dial.h"
#include "daemon/local_client.h"
#include "daemon/uri.h"

namespace bv {

namespace {

constexpr unsigned kTcpPort = 16509;

std::shared_ptr<rpc::Client> Wrap(Fd socket) {
  fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  return rpc::Client::Make(rpc::MakeSocketTransport(std::move(socket)));
}

// The program that takes the messages to the daemon is libvirt's, on the host that ssh reaches.
Task<std::shared_ptr<rpc::Client>> OpenSsh(Uri uri, std::string name) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw SystemError(ErrorDomain::kRpc, "unable to create socket pair");
  auto ours = std::make_shared<Fd>(pair[0]), theirs = std::make_shared<Fd>(pair[1]);
  Command command;
  command.argv = {"ssh", "-T", "-e", "none", "-o", "BatchMode=yes"};
  if (uri.port) command.argv.insert(command.argv.end(), {"-p", std::to_string(uri.port)});
  if (!uri.user.empty()) command.argv.insert(command.argv.end(), {"-l", uri.user});
  command.argv.insert(command.argv.end(), {"--", uri.server, "virt-ssh-helper", name});
  command.fds = {{theirs->get(), 0}, {theirs->get(), 1}};
  co_await Start(std::move(command));
  theirs->Reset();
  co_return Wrap(std::move(*ours));
}

}  // namespace

Task<std::shared_ptr<rpc::Client>> OpenRemoteUri(std::string text, const DriverEnvironment& environment) {
  Uri uri = Uri::Parse(text);
  auto plus = uri.scheme.find('+');
  const std::string transport = plus == std::string::npos ? (uri.server.empty() ? "unix" : "tls") : uri.scheme.substr(plus + 1);
  if (transport == "unix") co_return co_await OpenLocalUri(text, environment);
  const std::string name = uri.scheme.substr(0, plus) + "://" + uri.path;
  std::shared_ptr<rpc::Client> client;
  if (transport == "tcp") {
    auto dial = [host = uri.server, port = uri.port ? static_cast<unsigned>(uri.port) : kTcpPort] {
      return std::make_shared<Fd>(DialTcp(host, port));
    };
    auto socket = co_await Offload(std::move(dial));
    client = Wrap(std::move(*socket));
  } else if (transport == "ssh") {
    client = co_await OpenSsh(uri, name);
  } else {
    throw Error(ErrorDomain::kRpc, ErrorCode::kOperationUnsupported, fmt::format("connections of the kind '{}' are not made", text));
  }
  co_await OpenUri(client, name);
  co_return client;
}

}  // namespace bv
