#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace bv {

// libvirt's log levels (log_level, log_filters and log_outputs count them 1 to 4).
enum class LogLevel { kDebug = 1, kInfo = 2, kWarning = 3, kError = 4 };

// `source` is what log_filters match: libvirt's names ("qemu.qemu_monitor", "rpc.rpc", "event").
// A filter matches a source that contains its text; the first that matches decides, then the level.
// Both calls may come from any thread; the setters below only from the loop's.
bool LogEnabled(LogLevel level, std::string_view source);
void LogMessage(LogLevel level, std::string_view source, std::string_view text);

template <typename... Args>
void LogAt(LogLevel level, std::string_view source, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(level, source)) LogMessage(level, source, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogDebug(std::string_view source, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kDebug, source, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogInfo(std::string_view source, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kInfo, source, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogWarn(std::string_view source, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kWarning, source, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogError(std::string_view source, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kError, source, format, std::forward<Args>(args)...);
}

// What the configuration keys, the environment and the admin protocol set. The texts are in
// libvirt's syntax; a malformed one throws kInvalidArg (domain kNone) and changes nothing.
void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();
// "LEVEL:TEXT LEVEL:TEXT": overrides of the level for sources that contain TEXT.
void SetLogFilters(std::string_view filters);
std::string GetLogFilters();
// "LEVEL:stderr LEVEL:file:PATH LEVEL:syslog:NAME LEVEL:journald".
void SetLogOutputs(std::string_view outputs);
std::string GetLogOutputs();

// LIBVIRT_DEBUG (a level, as number or name), LIBVIRT_LOG_FILTERS and LIBVIRT_LOG_OUTPUTS; what is
// malformed is reported on stderr and skipped, as the original does.
void SetLogFromEnvironment();

}  // namespace bv
