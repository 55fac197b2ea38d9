#pragma once

#include <memory>
#include <string_view>

#include "base/log.h"

namespace bv {

// One message on its way to the outputs; the views live for the call.
struct LogRecord {
  LogLevel level;
  std::string_view source;
  std::string_view text;
  std::string_view line;  // with time, level and source, ending in a newline
};

// Where messages go. Writing never blocks for long and never fails the caller: a message that
// cannot be written is lost.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Write(const LogRecord& record) = 0;
};

// For an output as it stands in log_outputs behind the level: "stderr", "file:/PATH",
// "syslog:NAME", "journald". Null when malformed; throws kSystemError when it cannot be opened.
std::unique_ptr<LogSink> MakeLogSink(std::string_view text);

void WriteLogToStderr(const LogRecord& record);

}  // namespace bv
