#include "qemu/domain_state.h"

#include <span>

namespace bv::qemu {
namespace {

constexpr std::string_view kStates[] = {"nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended"};
constexpr std::string_view kUnknownOnly[] = {"unknown"};
constexpr std::string_view kRunning[] = {"unknown",  "booted",             "migrated",      "restored", "from snapshot",
                                         "unpaused", "migration canceled", "save canceled", "wakeup",   "crashed",
                                         "post-copy", "post-copy failed"};
constexpr std::string_view kPaused[] = {"unknown",       "user",     "migration", "save",     "dump",
                                        "ioerror",       "watchdog", "from snapshot", "shutdown", "snapshot",
                                        "panicked",      "starting up", "post-copy", "post-copy failed", "api error"};
constexpr std::string_view kShutdown[] = {"unknown", "user"};
constexpr std::string_view kShutoff[] = {"unknown",  "shutdown", "destroyed", "crashed", "migrated",
                                         "saved", "failed",   "from snapshot", "daemon"};
constexpr std::string_view kCrashed[] = {"unknown", "panicked"};

std::span<const std::string_view> Reasons(State state) {
  switch (state) {
    case State::kRunning: return kRunning;
    case State::kPaused: return kPaused;
    case State::kShutdown: return kShutdown;
    case State::kShutoff: return kShutoff;
    case State::kCrashed: return kCrashed;
    default: return kUnknownOnly;
  }
}

}  // namespace

std::string_view StateName(State state) { return kStates[static_cast<int>(state)]; }

std::optional<State> ParseState(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kStates); ++i) {
    if (kStates[i] == name) return static_cast<State>(i);
  }
  return std::nullopt;
}

std::string_view ReasonName(State state, int reason) {
  auto names = Reasons(state);
  return reason >= 0 && static_cast<std::size_t>(reason) < names.size() ? names[static_cast<std::size_t>(reason)] : names[0];
}

int ParseReason(State state, std::string_view name) {
  auto names = Reasons(state);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<int>(i);
  }
  return 0;
}

}  // namespace bv::qemu
