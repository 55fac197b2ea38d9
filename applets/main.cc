// busyvirt: is the daemon whose name it was started by, or that its first argument names.

#include <fmt/core.h>
#ifdef BV_STATIC
#include <nss.h>
#endif
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <optional>
#include <string>

#include "helpers.h"
#include "daemon/daemon.h"
#include "daemon/personality.h"
#include "daemon/reexec.h"

namespace bv {

namespace {

// Without ".sh", which libvirt-guests is installed with in places.
std::string BaseName(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  return name.ends_with(".sh") ? name.substr(0, name.size() - 3) : name;
}

// The daemon or helper of this name, or nothing.
std::optional<int> RunNamed(const std::string& name, int argc, char** argv) {
  if (const Personality* personality = FindPersonality(name)) return RunDaemon(*personality, argc, argv);
  if (const Helper* helper = FindHelper(name)) return helper->run(argc, argv);
  return std::nullopt;
}

// A name that is not ours may be a symlink to one that is (/etc/alternatives); links are followed one
// step at a time until a known name turns up.
std::string KnownName(std::string path) {
  for (int step = 0; step < 10; ++step) {
    std::string name = BaseName(path);
    if (name == "busyvirt" || FindPersonality(name) || FindHelper(name)) return name;
    char target[PATH_MAX];
    ssize_t length = readlink(path.c_str(), target, sizeof target);
    if (length <= 0) break;
    std::string next(target, static_cast<std::size_t>(length));
    if (next.front() != '/') next = path.substr(0, path.rfind('/') + 1) + next;
    path = next;
  }
  return "busyvirt";
}

void PrintList() {
  for (const Personality& personality : Personalities()) fmt::print("{}\n", personality.name);
}

int Usage(FILE* out, int status) {
  fmt::print(out,
             "usage: busyvirt DAEMON [OPTION]...   be this daemon\n"
             "       busyvirt --list               name the daemons\n"
             "       busyvirt --install [-s] DIR   make links (-s: symlinks) with their names in DIR\n"
             "       busyvirt --version\n\n"
             "Started by the name of a daemon it is that daemon.\n");
  for (const Personality& personality : Personalities()) {
    fmt::print(out, "  {:<16} {}\n", personality.name, personality.manages);
  }
  for (const Helper& helper : Helpers()) fmt::print(out, "  {:<16} {}\n", helper.name, helper.about);
  return status;
}

int RunBusyvirt(int argc, char** argv) {
  if (argc < 2) return Usage(stderr, EXIT_FAILURE);
  std::string word = argv[1];
  if (word == "--list") return PrintList(), EXIT_SUCCESS;
  if (word == "--install") return InstallLinks(argc - 2, argv + 2);
  if (word == "--version" || word == "-V") return fmt::print("busyvirt {}\n", BV_VERSION), EXIT_SUCCESS;
  if (word == "--help" || word == "-h") return Usage(stdout, EXIT_SUCCESS);
  if (auto status = RunNamed(BaseName(word), argc - 1, argv + 1)) return *status;
  fmt::print(stderr, "busyvirt: {}: no such daemon (see busyvirt --list)\n", word);
  return EXIT_FAILURE;
}

// A static executable cannot load the plug-ins that nsswitch.conf may ask for: users and hosts come from the files
// in /etc and from DNS, which libc reads by itself.
void LookUpWithoutPlugins() {
#ifdef BV_STATIC
  __nss_configure_lookup("passwd", "files");
  __nss_configure_lookup("group", "files");
  __nss_configure_lookup("hosts", "files dns");
#endif
}

}  // namespace

}  // namespace bv

int main(int argc, char** argv) {
  if (argc < 1) return EXIT_FAILURE;
  bv::LookUpWithoutPlugins();
  bv::RememberStart(argc, argv);
  std::string name = bv::KnownName(argv[0]);
  if (name == "busyvirt") return bv::RunBusyvirt(argc, argv);
  return *bv::RunNamed(name, argc, argv);
}
