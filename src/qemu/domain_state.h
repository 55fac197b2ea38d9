#pragma once

#include <optional>
#include <string_view>

// States and reasons of a domain with the public API's numbers (virDomainState and virDomain*Reason),
// and the names that status files give them.
namespace bv::qemu {

enum class State { kNone = 0, kRunning = 1, kBlocked = 2, kPaused = 3, kShutdown = 4, kShutoff = 5, kCrashed = 6, kPmSuspended = 7 };

namespace running {
enum Reason { kUnknown, kBooted, kMigrated, kRestored, kFromSnapshot, kUnpaused, kMigrationCanceled, kSaveCanceled, kWakeup, kCrashed, kPostcopy, kPostcopyFailed };
}
namespace paused {
enum Reason { kUnknown, kUser, kMigration, kSave, kDump, kIoError, kWatchdog, kFromSnapshot, kShuttingDown, kSnapshot, kCrashed, kStartingUp, kPostcopy, kPostcopyFailed, kApiError };
}
namespace shutdown {
enum Reason { kUnknown, kUser };
}
namespace shutoff {
enum Reason { kUnknown, kShutdown, kDestroyed, kCrashed, kMigrated, kSaved, kFailed, kFromSnapshot, kDaemon };
}
namespace crashed {
enum Reason { kUnknown, kPanicked };
}

std::string_view StateName(State state);
std::optional<State> ParseState(std::string_view name);
std::string_view ReasonName(State state, int reason);
// 0 (unknown) for a name that is none.
int ParseReason(State state, std::string_view name);

}  // namespace bv::qemu
