#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/driver.h"
#include "daemon/backend.h"
#include "proxy/link.h"
#include "rpc/forward.h"

namespace bv {

// virtproxyd: opens for each client the daemons that it uses, and forwards its messages there. What
// concerns the way in (authentication, read-only sockets, limits, keepalive) stays with the daemon
// room; permissions are checked by the daemons, which are told who the client is.
class ProxyDriver : public Driver, public rpc::Forwarder {
 public:
  explicit ProxyDriver(const DriverEnvironment& environment)
      : privileged_(environment.privileged), socket_dir_(environment.state_dir) {}

  void Register(Service& service) override { service.set_forwarder(this); }
  bool AcceptsUri(const Uri& uri) const override;
  std::string DefaultUri() const override;
  Task<> OpenConnection(rpc::ClientSession& client, const std::string& uri) override;

  // The daemons' connections go on to another process image of ours, so what clients have registered there
  // stays. Of each client: "proxy": { "main": SCHEME, "closeEvent": BOOL,
  //                                   "links": [ { "scheme", "connection": CONNECTION (absent: lost) } ] }
  void SaveClient(rpc::ClientSession& client, Json& state, upgrade::PassedFds& fds) const override;
  void RestoreClient(rpc::ClientSession& client, const Json& state, upgrade::InheritedFds& fds) override;

  bool TakeCall(rpc::ServerSession& session, const rpc::Procedure& procedure, rpc::Frame& frame) override;
  void TakeStreamPacket(rpc::ServerSession& session, rpc::Frame& frame) override;

 private:
  std::string SocketPath(const Backend& backend) const;
  std::shared_ptr<Link> MakeLink(std::shared_ptr<rpc::ServerSession> session, const Backend& backend) const;
  // What the client and its main link are to each other.
  void Tie(const std::shared_ptr<rpc::ServerSession>& session, const Backend* main, const std::shared_ptr<Link>& link);
  // The link that a message goes to, opened when it is the first; null when the connection is not open.
  std::shared_ptr<Link> LinkFor(rpc::ServerSession& session, const rpc::Header& header, bool open);

  const bool privileged_;
  const std::string socket_dir_;
};

}  // namespace bv
