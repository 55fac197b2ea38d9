#include "daemon/logging.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"

namespace bv {

namespace {

constexpr char kJournalSocket[] = "/run/systemd/journal/socket";

std::string DefaultOutput(const Options& options, const DaemonPaths& paths) {
  bool on_terminal = !options.daemonize && isatty(STDIN_FILENO);
  if (!on_terminal && access(kJournalSocket, W_OK) == 0) return "journald";
  return options.daemonize ? "file:" + paths.log_file : "stderr";
}

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

}  // namespace

std::string SetUpLogging(const DaemonConfig& config, const Options& options, const DaemonPaths& paths) {
  if (config.log_level < 1 || config.log_level > 4) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg,
                fmt::format("Failed to set logging priority, argument '{}' is invalid", config.log_level));
  }
  SetLogLevel(static_cast<LogLevel>(config.log_level));
  if (config.log_filters) SetLogFilters(*config.log_filters);
  SetLogFromEnvironment();
  if (options.verbose && GetLogLevel() > LogLevel::kInfo) SetLogLevel(LogLevel::kInfo);

  std::string place = DefaultOutput(options, paths);
  bool chosen = IsSet("LIBVIRT_LOG_OUTPUTS");
  if (!chosen && config.log_outputs) {
    SetLogOutputs(*config.log_outputs);
    chosen = !config.log_outputs->empty();
  }
  std::string fallback = fmt::format("{}:{}", static_cast<int>(GetLogLevel()), place);
  if (!chosen) {
    if (place.starts_with("file:")) MakeDirs(paths.log_file.substr(0, paths.log_file.rfind('/')), 0700);
    SetLogOutputs(fallback);
  }
  return fallback;
}

}  // namespace bv
