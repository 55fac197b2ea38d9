#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/signal.h"
#include "daemon/admin.h"
#include "daemon/background.h"
#include "daemon/config.h"
#include "daemon/connection.h"
#include "daemon/options.h"
#include "daemon/paths.h"
#include "daemon/sasl.h"
#include "daemon/server.h"
#include "daemon/systemd.h"

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
  // Starts the drivers, serves, and returns after a signal or the idle time-out has ended it. The
  // exit status: that of StartResult::kDriver when a driver did not start, else 0.
  int Run();

 private:
  void AddProgram();
  // TCP and TLS, when the command line and the configuration ask for them.
  void OpenIpSockets();
  void AddIpSocket(Way way, Fd socket);
  TlsServerSettings MakeTlsSettings() const;
  Task<> ReloadTls();
  void AddUnixSocket(Server& server, std::string_view suffix, const std::string& mode, ListenerOptions options,
                     int backlog);
  Task<> Serve();
  Task<> Shutdown();
  Task<> Reload();
  void BeginShutdown();

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
  AdminService admin_;

  std::shared_ptr<const TlsContext> tls_;  // null without a TLS socket

  Timer idle_timer_;
  std::chrono::seconds idle_timeout_;
  std::vector<std::unique_ptr<SignalWatch>> signals_;
  bool serving_ = false, shutting_down_ = false, reloading_ = false;
  int exit_status_ = 0;
};

}  // namespace bv
