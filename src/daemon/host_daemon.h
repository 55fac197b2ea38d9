#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/signal.h"
#include "base/wait.h"
#include "daemon/admin.h"
#include "daemon/background.h"
#include "daemon/config.h"
#include "daemon/connection.h"
#include "daemon/hooks.h"
#include "daemon/options.h"
#include "daemon/paths.h"
#include "daemon/sasl.h"
#include "daemon/server.h"
#include "daemon/systemd.h"
#include "upgrade/fds.h"
#include "upgrade/state.h"

namespace bv {

// A running daemon: its drivers, the two servers with their sockets, signals and the idle time-out.
// Made on the loop's thread, with the loop there.
class HostDaemon {
 public:
  HostDaemon(const Personality& personality, const Options& options, const DaemonConfig& config,
             const DaemonPaths& paths, DriverEnvironment environment, std::string default_log_outputs);
  ~HostDaemon();

  // Binds the sockets or takes those that were activated; clients that connect wait. Errors are
  // those of the sockets.
  void OpenSockets(ActivatedSockets sockets);
  // Instead of OpenSockets(): what another process image of this daemon left (SIGUSR1).
  void Restore(const upgrade::SavedDaemon& saved);
  // Throws when Restore() would not do.
  void CheckState(const upgrade::SavedDaemon& saved) const;
  // Called once the drivers run and clients are served.
  void set_on_serving(std::function<void()> on_serving) { on_serving_ = std::move(on_serving); }
  // Called instead of the end when a driver did not start.
  void set_on_failure(std::function<void()> on_failure) { on_failure_ = std::move(on_failure); }
  // Goes on to the next process image; -1: none.
  void set_pid_file(int fd) { pid_file_fd_ = fd; }

  // Starts the drivers, serves, and returns after a signal or the idle time-out has ended it. The
  // exit status: that of StartResult::kDriver when a driver did not start, else 0.
  int Run();

 private:
  void AddProgram();
  // TCP and TLS, when the command line and the configuration ask for them.
  void OpenIpSockets();
  void AddIpSocket(Way way, Fd socket);
  Task<> ReloadTls();
  void AddUnixSocket(Server& server, std::string_view suffix, const std::string& mode, ListenerOptions options,
                     int backlog);
  Task<> Serve();
  Task<> Shutdown();
  Task<> TellHooks(std::string operation, std::string sub_operation, std::string extra);
  void RequestReload();
  Task<> Reload();
  void BeginShutdown();

  // host_upgrade.cc
  void RequestUpgrade();
  Task<> Upgrade();
  struct Check {
    Event done;
    bool original = false;
    std::exception_ptr failure;
  };
  Task<bool> CheckNextImage();
  Task<> RunCheck(std::shared_ptr<Check> check);
  Task<bool> Settle();
  void HoldClients();
  Task<bool> HoldDrivers(Deadline deadline);
  void ReleaseAll();
  bool Settled() const;
  void EndStreams();
  Task<> CloseLayered();
  upgrade::SavedDaemon SaveAll(upgrade::PassedFds& fds) const;
  void LeaveForNextImage(bool original);
  void RestoreListener(Server& server, const upgrade::SavedService& service, upgrade::InheritedFds& fds);
  void RestoreClient(Server& server, const upgrade::SavedClient& client, upgrade::InheritedFds& fds);

  bool Busy() const;
  // Counts the idle time from now.
  void RestartIdleTimer();

  const Personality& personality_;
  const Options& options_;
  const DaemonConfig& config_;
  const DaemonPaths& paths_;
  DriverEnvironment environment_;

  DriverList drivers_;
  Service main_service_, admin_service_;
  std::vector<std::unique_ptr<Server>> servers_;  // its own name's and "admin"
  AdminHooks admin_hooks_;
  ConnectionService connections_;
  SaslService sasl_;
  Hooks hooks_{"daemon"};
  AdminService admin_;

  std::shared_ptr<const TlsContext> tls_;  // null without a TLS socket

  Timer idle_timer_;
  std::chrono::seconds idle_timeout_;
  std::vector<std::unique_ptr<SignalWatch>> signals_;
  bool serving_ = false, shutting_down_ = false;
  bool goes_on_ = false;  // where another process image left off
  bool reload_wanted_ = false, reloading_ = false;  // the second by SIGHUP while the first one's is under way
  int exit_status_ = 0;

  std::function<void()> on_serving_, on_failure_;
  int pid_file_fd_ = -1;
  const std::string configured_log_filters_, configured_log_outputs_;
  bool upgrade_wanted_ = false, upgrading_ = false;
  std::vector<std::shared_ptr<rpc::ServerSession>> held_;  // while it settles
};

}  // namespace bv
