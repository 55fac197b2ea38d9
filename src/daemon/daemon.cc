#include "daemon/daemon.h"

#include "daemon/options.h"

namespace bv {

int RunDaemon(const Personality& personality, int argc, char** argv) {
  int status;
  auto options = ParseOptions(personality, argc, argv, status);
  if (!options) return status;
  return 0;
}

}  // namespace bv
