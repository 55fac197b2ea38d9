#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/task.h"
#include "rpc/identity.h"

namespace bv {

using PolkitDetails = std::vector<std::pair<std::string, std::string>>;

// Returns when polkit allows `action` to the process of `identity`. Throws kAuthFailed (refused),
// kAuthCancelled (the user gave up) or kAuthUnavailable (nobody to ask the user, or no polkit, no
// bus: that is known at once). With `interactive` the user may be asked, which may take minutes.
Task<> CheckPolkit(std::string action, rpc::Identity identity, PolkitDetails details, bool interactive);

}  // namespace bv
