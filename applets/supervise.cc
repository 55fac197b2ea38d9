#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "daemon/supervisor.h"
#include "helpers.h"

namespace bv {

// `busyvirt supervise [NAME...]`: without names, what a monolithic host runs.
int Supervise(int argc, char** argv) {
  std::vector<const Personality*> daemons;
  for (int i = 1; i < argc; ++i) {
    const Personality* personality = FindPersonality(argv[i]);
    if (!personality) {
      fmt::print(stderr, "supervise: {}: no such daemon (see busyvirt --list)\n", argv[i]);
      return 1;
    }
    daemons.push_back(personality);
  }
  if (daemons.empty()) {
    for (const char* name : {"libvirtd", "virtlogd", "virtlockd"}) daemons.push_back(FindPersonality(name));
  }
  bool same_sockets = std::ranges::count_if(daemons, [](const Personality* p) { return p->HasTcp(); }) > 1;
  if (same_sockets) {
    fmt::print(stderr, "supervise: libvirtd and virtproxyd have the same sockets: name one of them\n");
    return 1;
  }
  SetLogFromEnvironment();
  try {
    Loop loop;
    return Supervisor(daemons).Run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "supervise: {}\n", e.what());
    return 1;
  }
}

}  // namespace bv
