#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"

namespace bv {

namespace rpc {
class ClientSession;
class Service;
}
namespace upgrade {
class InheritedFds;
class PassedFds;
}
class Json;
using rpc::Service;
struct DaemonConfig;
struct Uri;

// Where a daemon keeps its things; "/etc/libvirt" and so on in system mode, the XDG directories of
// the user in session mode, where lib_dir is config_dir. A driver adds its own sub-directory ("qemu"). No trailing slashes.
struct DriverEnvironment {
  bool privileged = false;
  std::string config_dir;  // /etc/libvirt
  std::string state_dir;   // /run/libvirt
  std::string lib_dir;     // /var/lib/libvirt
  std::string cache_dir;   // /var/cache/libvirt
  std::string log_dir;     // /var/log/libvirt
  const DaemonConfig* config = nullptr;  // the daemon's own file; set before drivers are made
  // A driver calls this after HasActiveObjects() may have become false: --timeout counts from then.
  std::function<void()> on_idle = [] {};
};

// One part of what a daemon serves: a hypervisor, networks, log files. Owned by the daemon, lives on
// its loop from before the sockets open until after they closed.
class Driver {
 public:
  virtual ~Driver() = default;

  // Brings the driver up: reads its configuration and state, re-attaches to what is running. Calls
  // are only served once every driver's Start() has ended. An Error that leaves it ends the daemon.
  virtual Task<> Start();
  // Orderly end; guests go on.
  virtual Task<> Stop();
  // SIGHUP.
  virtual Task<> Reload();

  // Live upgrade (upgrade/state.h). While clients wait, Save... add what lives in memory only to the
  // state, in members of the driver's own, and change nothing: the exec may fail. Restore... come in
  // the new process image before Start(), the driver first and then its clients; what they throw ends
  // the upgrade and brings the old image back, or costs that one client.
  virtual void SaveState(Json& state, upgrade::PassedFds& fds) const;
  virtual void SaveClient(rpc::ClientSession& client, Json& state, upgrade::PassedFds& fds) const;
  virtual void RestoreState(const Json& state, upgrade::InheritedFds& fds);
  virtual void RestoreClient(rpc::ClientSession& client, const Json& state, upgrade::InheritedFds& fds);
  // Throws where RestoreState() would for what the state says. Looks at no descriptor.
  virtual void CheckState(const Json& state) const;
  // False while something is under way, besides calls, that must end before an upgrade.
  virtual bool Quiet() const;

  // Puts the handlers of its procedures into `service`.
  virtual void Register(Service& service) = 0;

  // CONNECT_OPEN asks the drivers in their order, and the first that says true has the connection.
  // Throws when the URI is this driver's and wrong (AcceptsLocalUri() does for the usual case).
  virtual bool AcceptsUri(const Uri& uri) const;
  // Makes ready what the connection needs before CONNECT_OPEN is answered; throws to refuse it.
  virtual Task<> OpenConnection(rpc::ClientSession& client, const std::string& uri);
  // What a connection opened without a URI gets, "qemu:///system"; empty when this driver offers none.
  virtual std::string DefaultUri() const;

  // A hypervisor: its connections reach the daemon's networks, pools, secrets and so on too.
  virtual bool IsHypervisor() const;

  // CONNECT_SUPPORTS_FEATURE, for the features that the daemon does not answer itself.
  virtual bool SupportsFeature(int feature) const;

  // Whether something runs that must keep a daemon with --timeout up.
  virtual bool HasActiveObjects() const;
};

using DriverList = std::vector<std::unique_ptr<Driver>>;

}  // namespace bv
