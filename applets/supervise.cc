#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "daemon/supervisor.h"
#include "helpers.h"

namespace bv {

namespace {

int Usage(FILE* out, int status) {
  fmt::print(out,
             "usage: busyvirt supervise [--timeout SECONDS] [--tcp] [--tls] [DAEMON...]\n\n"
             "Opens the daemons' sockets and starts each on its first connection; without names those of a monolithic\n"
             "host: libvirtd, virtlogd and virtlockd. It may be process 1.\n\n"
             "  --timeout SECONDS   how long a daemon stays that nobody needs (default {}; 0: for ever)\n"
             "  --tcp, --tls        open the network ports of libvirtd or virtproxyd too (16509, 16514)\n\n"
             "SIGTERM ends it and its daemons in good order; SIGHUP goes on to the daemons.\n",
             SuperviseOptions().idle.count());
  return status;
}

}  // namespace

int Supervise(int argc, char** argv) {
  std::vector<const Personality*> daemons;
  SuperviseOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--help" || word == "-h") return Usage(stdout, 0);
    if (word == "--timeout" && i + 1 < argc) {
      std::string_view text = argv[++i];
      int seconds = 0;
      auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || seconds < 0) return Usage(stderr, 1);
      options.idle = std::chrono::seconds(seconds);
      continue;
    }
    if (word == "--tcp" || word == "--tls") {
      (word == "--tcp" ? options.tcp : options.tls) = true;
      continue;
    }
    if (word.starts_with("-")) return Usage(stderr, 1);
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
    return Supervisor(daemons, options).Run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "supervise: {}\n", e.what());
    return 1;
  }
}

}  // namespace bv
