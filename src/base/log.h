#pragma once

#include <fmt/core.h>

#include <string_view>

namespace bv {

// libvirt's log levels (log_level, log_filters and log_outputs count them 1 to 4).
enum class LogLevel { kDebug = 1, kInfo = 2, kWarning = 3, kError = 4 };

// `source` is what log_filters match: libvirt's names ("qemu.qemu_monitor", "rpc", "event").
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

}  // namespace bv
