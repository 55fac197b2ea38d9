#include "base/log.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/log_output.h"

namespace bv {

namespace {

struct Filter {
  LogLevel level;
  std::string match;
};

struct Output {
  LogLevel level;
  std::string text;  // as it was configured, without the level
  std::unique_ptr<LogSink> sink;
};

struct State {
  std::mutex mutex;  // offloaded work logs too
  std::vector<Filter> filters;
  std::vector<Output> outputs;
  std::atomic<LogLevel> level{LogLevel::kWarning};
  // The lowest level that any filter or the default lets through: most messages end here.
  std::atomic<LogLevel> lowest{LogLevel::kWarning};
};

// Never destroyed: pool threads may log until the process ends.
State& TheState() {
  static State* state = new State;
  return *state;
}

[[noreturn]] void ThrowMalformed(std::string_view what, std::string_view text) {
  throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, fmt::format("malformed log {} '{}'", what, text));
}

LogLevel ParseLevel(std::string_view what, std::string_view item) {
  if (item.size() < 3 || item[0] < '1' || item[0] > '4' || item[1] != ':') ThrowMalformed(what, item);
  return static_cast<LogLevel>(item[0] - '0');
}

// Calls `f` with each of the words that white space separates.
template <typename F>
void ForEachWord(std::string_view text, F f) {
  constexpr std::string_view kSpace = " \t\n";
  for (;;) {
    auto begin = text.find_first_not_of(kSpace);
    if (begin == text.npos) return;
    text.remove_prefix(begin);
    auto end = std::min(text.find_first_of(kSpace), text.size());
    f(text.substr(0, end));
    text.remove_prefix(end);
  }
}

void UpdateLowest(State& state) {
  LogLevel lowest = state.level;
  for (auto& filter : state.filters) lowest = std::min(lowest, filter.level);
  state.lowest = lowest;
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "unknown";
}

// libvirt's line: "2026-01-31 12:00:00.123+0000: 4711: error : rpc: text".
std::string FormatLine(LogLevel level, std::string_view source, std::string_view text) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts;
  gmtime_r(&now.tv_sec, &parts);
  char date[32];
  strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
  return fmt::format("{}.{:03}+0000: {}: {} : {}: {}\n", date, now.tv_nsec / 1000000, syscall(SYS_gettid),
                     LevelName(level), source, text);
}

}  // namespace

bool LogEnabled(LogLevel level, std::string_view source) {
  State& state = TheState();
  if (level < state.lowest.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock(state.mutex);
  for (auto& filter : state.filters) {
    if (source.find(filter.match) != source.npos) return level >= filter.level;
  }
  return level >= state.level;
}

void LogMessage(LogLevel level, std::string_view source, std::string_view text) {
  State& state = TheState();
  std::string line = FormatLine(level, source, text);
  LogRecord record{level, source, text, line};
  std::lock_guard lock(state.mutex);
  if (state.outputs.empty()) WriteLogToStderr(record);
  for (auto& output : state.outputs) {
    if (level >= output.level) output.sink->Write(record);
  }
}

void SetLogLevel(LogLevel level) {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  state.level = level;
  UpdateLowest(state);
}

LogLevel GetLogLevel() { return TheState().level; }

void SetLogFilters(std::string_view filters) {
  std::vector<Filter> parsed;
  ForEachWord(filters, [&](std::string_view item) {
    LogLevel level = ParseLevel("filter", item);
    std::string_view match = item.substr(2);
    // An ancient "+" asked for stack traces; it is accepted and means nothing.
    if (match.starts_with('+')) match.remove_prefix(1);
    if (match.empty()) ThrowMalformed("filter", item);
    parsed.push_back({level, std::string(match)});
  });
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  state.filters = std::move(parsed);
  UpdateLowest(state);
}

std::string GetLogFilters() {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  std::string text;
  for (auto& filter : state.filters) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}:{}", static_cast<int>(filter.level), filter.match);
  }
  return text;
}

void SetLogOutputs(std::string_view outputs) {
  std::vector<Output> parsed;
  ForEachWord(outputs, [&](std::string_view item) {
    LogLevel level = ParseLevel("output", item);
    std::string_view text = item.substr(2);
    auto sink = MakeLogSink(text);
    if (!sink) ThrowMalformed("output", item);
    parsed.push_back({level, std::string(text), std::move(sink)});
  });
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  state.outputs = std::move(parsed);
}

std::string GetLogOutputs() {
  State& state = TheState();
  std::lock_guard lock(state.mutex);
  if (state.outputs.empty()) return fmt::format("{}:stderr", static_cast<int>(state.level.load()));
  std::string text;
  for (auto& output : state.outputs) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}:{}", static_cast<int>(output.level), output.text);
  }
  return text;
}

static std::optional<LogLevel> LevelFromEnvironment(std::string_view text) {
  constexpr LogLevel kLevels[] = {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError};
  for (LogLevel level : kLevels) {
    if (text == LevelName(level) || text == std::to_string(static_cast<int>(level))) return level;
  }
  return std::nullopt;
}

void SetLogFromEnvironment() {
  auto apply = [](const char* variable, auto set) {
    const char* value = std::getenv(variable);
    if (!value || !*value) return;
    try {
      set(std::string_view(value));
    } catch (const Error& e) {
      fmt::print(stderr, "{}: {}\n", variable, e.what());
    }
  };
  apply("LIBVIRT_DEBUG", [](std::string_view value) {
    auto level = LevelFromEnvironment(value);
    if (!level) ThrowMalformed("level", value);
    SetLogLevel(*level);
  });
  apply("LIBVIRT_LOG_FILTERS", [](std::string_view value) { SetLogFilters(value); });
  apply("LIBVIRT_LOG_OUTPUTS", [](std::string_view value) { SetLogOutputs(value); });
}

}  // namespace bv
