#include "base/log.h"

#include <cstdio>

namespace bv {

bool LogEnabled(LogLevel level, std::string_view) { return level >= LogLevel::kWarning; }

void LogMessage(LogLevel, std::string_view source, std::string_view text) {
  fmt::print(stderr, "{}: {}\n", source, text);
}

}  // namespace bv
