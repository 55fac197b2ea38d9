#pragma once

#include <string>

#include "daemon/config.h"
#include "daemon/options.h"
#include "daemon/paths.h"

namespace bv {

// Sets logging up from the environment, then the configuration, then the default place: the journal
// for a daemon in the background where there is one, else its log file; stderr for one on a
// terminal. Returns that default in the syntax of log_outputs. Throws kInvalidArg on malformed
// settings and kSystemError when an output cannot be opened.
std::string SetUpLogging(const DaemonConfig& config, const Options& options, const DaemonPaths& paths);

}  // namespace bv
