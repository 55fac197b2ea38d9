#include "daemon/daemon.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/uuid.h"
#include "daemon/audit.h"
#include "daemon/background.h"
#include "daemon/host_daemon.h"
#include "daemon/logging.h"
#include "daemon/options.h"
#include "daemon/pid_file.h"
#include "daemon/reexec.h"

namespace bv {

namespace {

constexpr char kLog[] = "daemon";

// The default file need not exist; one that was asked for must.
DaemonConfig LoadConfig(const Personality& personality, const Options& options, const DaemonPaths& paths) {
  if (options.config_file) return ParseConfig(personality, ReadFile(*options.config_file), *options.config_file);
  auto text = ReadFileIfExists(paths.config_file);
  return text ? ParseConfig(personality, *text, paths.config_file) : DefaultConfig(personality);
}

DaemonConfig ReadConfig(const Personality& personality, const Options& options, const DaemonPaths& paths) {
  try {
    return LoadConfig(personality, options, paths);
  } catch (Error& error) {
    error.message = "Can't load config file: " + error.message;
    throw;
  }
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

// What a run needs, and in what state an earlier image of this process left it.
struct Run {
  const Personality& personality;
  const Options& options;
  const DaemonConfig& config;
  const DaemonPaths& paths;
  const DriverEnvironment& environment;
  std::string default_log_outputs;
  const std::optional<upgrade::SavedDaemon>& state;
  WayBack& way_back;
};

// From the fork on: what fails is logged, reported to a waiting parent, and is the exit status.
int RunInPlace(const Run& run, ActivatedSockets sockets, ParentPipe parent) {
  StartResult stage = StartResult::kPidFile;
  // Outlive what is thrown: what they hold belongs to the image that we may go back to.
  std::optional<PidFile> pid_file;
  std::optional<Loop> loop;
  std::optional<HostDaemon> daemon;
  try {
    std::string pid_path = run.options.pid_file.value_or(run.paths.pid_file);
    if (run.state && run.state->pid_file >= 0) {
      upgrade::InheritedFds fds;
      pid_file.emplace(pid_path, fds.Take(run.state->pid_file));
    } else {
      pid_file.emplace(pid_path);
    }
    stage = StartResult::kAudit;
    audit::Open(run.config.audit_level, run.config.audit_logging);
    stage = StartResult::kInit;
    loop.emplace();
    daemon.emplace(run.personality, run.options, run.config, run.paths, run.environment, run.default_log_outputs);
    daemon->set_pid_file(pid_file->fd());
    stage = StartResult::kNetwork;
    if (run.state) {
      daemon->Restore(*run.state);
      daemon->set_on_failure([&run] { run.way_back.Take(); });
      daemon->set_on_serving([&run] {
        run.way_back.Close();
        unlink(run.paths.state_file.c_str());
        LogInfo(kLog, "took over from the image before");
      });
    } else {
      daemon->OpenSockets(std::move(sockets));
    }
    parent.Report(StartResult::kRunning);
    int status = daemon->Run();
    pid_file->Remove();
    // Calls that still wait for something hold on to drivers and clients in ways that only the end of
    // the process undoes.
    std::fflush(nullptr);
    _exit(status);
  } catch (const std::exception& e) {
    LogError(kLog, "{}", e.what());
    run.way_back.Take();
    parent.Report(stage);
    return static_cast<int>(stage);
  }
}

// --check-state: whether this image could go on with a state, said on stdout.
int CheckState(const Personality& personality, const Options& options, const DaemonConfig& config,
               const DaemonPaths& paths, const DriverEnvironment& environment) {
  try {
    auto state = upgrade::Parse(ReadFile(*options.check_state, upgrade::kMaxState));
    Loop loop;
    HostDaemon(personality, options, config, paths, environment, "").CheckState(state);
    fmt::print("{}", kStateAccepted);
    return EXIT_SUCCESS;
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return EXIT_FAILURE;
  }
}

}  // namespace

int RunDaemon(const Personality& personality, int argc, char** argv) {
  int status;
  auto options = ParseOptions(personality, argc, argv, status);
  if (!options) return status;
  std::string program = std::string(argv[0]).substr(std::string_view(argv[0]).rfind('/') + 1);

  DriverEnvironment environment = MakeEnvironment();
  DaemonPaths paths = PathsOf(personality, environment);
  std::optional<upgrade::SavedDaemon> state;
  if (!options->check_state) state = FindState(paths.state_file);
  WayBack way_back(state);
  auto refuse = [&](const std::string& why) {
    fmt::print(stderr, "{}: {}\n", program, why);
    way_back.Take();
    return EXIT_FAILURE;
  };
  if (!environment.privileged && !personality.session) return refuse("only root can run this daemon: it has no session mode");
  DaemonConfig config;
  ActivatedSockets sockets;
  std::string default_log_outputs;
  try {
    config = ReadConfig(personality, *options, paths);
    CheckConfig(config);
    sockets = ActivatedSockets::FromEnvironment();
    default_log_outputs = SetUpLogging(config, *options, paths);
  } catch (const std::exception& e) {
    return refuse(e.what());
  }
  if (options->check_state) return CheckState(personality, *options, config, paths, environment);
  if (options->listen && !sockets.empty()) {
    return refuse("--listen is not permitted when the service manager passes the sockets; enable its "
                  "-tcp or -tls socket unit instead");
  }

  // Before anything goes into the background: a user's pid file is in there.
  try {
    MakeRunDir(environment.state_dir, environment.privileged);
  } catch (const Error& e) {
    refuse(fmt::format("{} {}: {}", environment.privileged ? "unable to create rundir" : "Cannot create user runtime directory",
                       environment.state_dir, std::strerror(e.int1)));
    return static_cast<int>(environment.privileged ? StartResult::kRunDir : StartResult::kPidFile);
  }

  ParentPipe parent;
  try {
    if (options->daemonize && !state) parent = ParentPipe::ForkIntoBackground(program.c_str());
  } catch (const std::exception& e) {
    return refuse(e.what());
  }
  Run run{personality, *options, config, paths, environment, default_log_outputs, state, way_back};
  return RunInPlace(run, std::move(sockets), std::move(parent));
}

}  // namespace bv
