#pragma once

#include "daemon/personality.h"

namespace bv {

// The life of a daemon, from its command line to its exit status, which is the original's.
int RunDaemon(const Personality& personality, int argc, char** argv);

}  // namespace bv
