#include "daemon/daemon.h"

#include <fmt/core.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/uuid.h"
#include "daemon/background.h"
#include "daemon/host_daemon.h"
#include "daemon/logging.h"
#include "daemon/options.h"
#include "daemon/pid_file.h"

namespace bv {

namespace {

constexpr char kLog[] = "daemon";

// The default file need not exist; one that was asked for must.
DaemonConfig LoadConfig(const Personality& personality, const Options& options, const DaemonPaths& paths) {
  if (options.config_file) return ParseConfig(personality, ReadFile(*options.config_file), *options.config_file);
  auto text = ReadFileIfExists(paths.config_file);
  return text ? ParseConfig(personality, *text, paths.config_file) : DefaultConfig(personality);
}

void CheckConfig(const DaemonConfig& config) {
  if (config.host_uuid_source != "smbios" && config.host_uuid_source != "machine-id") {
    throw Error(ErrorDomain::kConf, ErrorCode::kConfigUnsupported, "invalid UUID source: " + config.host_uuid_source);
  }
  if (config.host_uuid) {
    auto uuid = Uuid::Parse(*config.host_uuid);
    bool all_same = uuid && std::ranges::count(uuid->bytes, uuid->bytes[0]) == std::ssize(uuid->bytes);
    if (!uuid || all_same) {
      throw Error(ErrorDomain::kConf, ErrorCode::kConfigUnsupported, "invalid host UUID: " + *config.host_uuid);
    }
  }
  for (const std::string& name : config.access_drivers.value_or(std::vector<std::string>())) {
    if (name != "none" && name != "polkit") {
      throw Error(ErrorDomain::kAccess, ErrorCode::kInternalError, "Cannot find access driver '" + name + "'");
    }
  }
}

// The directory of the sockets; the mask makes its mode what it is, whatever ours is.
void MakeRunDir(const std::string& dir, bool privileged) {
  mode_t mask = umask(privileged ? 022 : 077);
  try {
    MakeDirs(dir, privileged ? 0755 : 0700);
  } catch (...) {
    umask(mask);
    throw;
  }
  umask(mask);
}

// audit_level = 2 asks for a daemon that does not run unaudited.
void CheckAudit(const DaemonConfig& config) {
  if (config.audit_level < 2) return;
  Fd audit(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));
  if (!audit) throw SystemError(ErrorDomain::kAudit, "the host has no audit system, and audit_level is 2");
}

// From the fork on: what fails is logged, reported to a waiting parent, and is the exit status.
int RunInPlace(const Personality& personality, const Options& options, const DaemonConfig& config,
               const DaemonPaths& paths, const DriverEnvironment& environment, ActivatedSockets sockets,
               const std::string& default_log_outputs, ParentPipe parent) {
  StartResult stage = StartResult::kRunDir;
  try {
    MakeRunDir(environment.state_dir, environment.privileged);
    stage = StartResult::kPidFile;
    PidFile pid_file(options.pid_file.value_or(paths.pid_file));
    stage = StartResult::kAudit;
    CheckAudit(config);
    stage = StartResult::kInit;
    Loop loop;
    HostDaemon daemon(personality, options, config, paths, environment, default_log_outputs);
    stage = StartResult::kNetwork;
    daemon.OpenSockets(std::move(sockets));
    parent.Report(StartResult::kRunning);
    int status = daemon.Run();
    pid_file.Remove();
    // Calls that still wait for something hold on to drivers and clients in ways that only the end of
    // the process undoes.
    std::fflush(nullptr);
    _exit(status);
  } catch (const std::exception& e) {
    LogError(kLog, "{}", e.what());
    parent.Report(stage);
    return static_cast<int>(stage);
  }
}

}  // namespace

int RunDaemon(const Personality& personality, int argc, char** argv) {
  int status;
  auto options = ParseOptions(personality, argc, argv, status);
  if (!options) return status;
  std::string program = std::string(argv[0]).substr(std::string_view(argv[0]).rfind('/') + 1);

  auto refuse = [&](const std::string& why) {
    fmt::print(stderr, "{}: {}\n", program, why);
    return EXIT_FAILURE;
  };
  DriverEnvironment environment = MakeEnvironment();
  if (!environment.privileged && !personality.session) return refuse("only root can run this daemon: it has no session mode");
  DaemonPaths paths = PathsOf(personality, environment);
  DaemonConfig config;
  ActivatedSockets sockets;
  std::string default_log_outputs;
  try {
    config = LoadConfig(personality, *options, paths);
    CheckConfig(config);
    sockets = ActivatedSockets::FromEnvironment();
    default_log_outputs = SetUpLogging(config, *options, paths);
  } catch (const std::exception& e) {
    return refuse(e.what());
  }
  if (options->listen && !sockets.empty()) {
    return refuse("--listen is not permitted when the service manager passes the sockets; enable its "
                  "-tcp or -tls socket unit instead");
  }

  ParentPipe parent;
  try {
    if (options->daemonize) parent = ParentPipe::ForkIntoBackground(program.c_str());
  } catch (const std::exception& e) {
    return refuse(e.what());
  }
  return RunInPlace(personality, *options, config, paths, environment, std::move(sockets), default_log_outputs,
                    std::move(parent));
}

}  // namespace bv
