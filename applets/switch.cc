// `busyvirt switch modular|monolithic|status [--dry-run]`: what libvirt's manual tells to do by hand
// with systemctl, undone again when a step fails.

#include <fcntl.h>
#include <fmt/core.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "daemon/personality.h"
#include "helpers.h"

namespace bv {

namespace {

constexpr const char* kMonolithic[] = {"libvirtd"};
constexpr const char* kModular[] = {"virtqemud",  "virtinterfaced", "virtnetworkd", "virtnodedevd", "virtnwfilterd",
                                    "virtsecretd", "virtstoraged",   "virtproxyd"};

using Words = std::vector<std::string>;

int Run(const Words& words, bool quiet = false) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (quiet) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  pid_t pid;
  int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 1;
  if (failed != 0 || waitpid(pid, &status, 0) < 0) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string Join(const Words& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

bool HasSystemd() { return access("/run/systemd/system", F_OK) == 0; }

bool SystemctlSays(const char* question, const std::string& unit) {
  return Run({"systemctl", "--quiet", question, unit}, true) == 0;
}

Words SocketsOf(const std::string& name) { return {name + ".socket", name + "-ro.socket", name + "-admin.socket"}; }

// A step and what undoes it.
struct Step {
  Words forward, back;
};

void Add(std::vector<Step>& steps, const char* verb, const char* undo, const Words& units) {
  Step step{{"systemctl", verb}, {"systemctl", undo}};
  step.forward.insert(step.forward.end(), units.begin(), units.end());
  step.back.insert(step.back.end(), units.begin(), units.end());
  steps.push_back(std::move(step));
}

// The network sockets that `from` has enabled, which `to` must then have.
Words NetworkSockets(const std::string& from, const std::string& to, bool dry_run) {
  Words sockets;
  for (const char* kind : {"-tcp.socket", "-tls.socket"}) {
    if (!dry_run && SystemctlSays("is-enabled", from + kind)) sockets.push_back(to + kind);
  }
  return sockets;
}

std::vector<Step> Plan(std::span<const char* const> from, std::span<const char* const> to, bool dry_run) {
  std::vector<Step> steps;
  std::string old_front = from.back(), new_front = to.back();
  Words old_network = NetworkSockets(old_front, old_front, dry_run);
  for (const char* name : from) {
    // Sockets first, so that no client starts the daemon again meanwhile.
    Words sockets = SocketsOf(name);
    if (name == old_front) sockets.insert(sockets.end(), old_network.begin(), old_network.end());
    Add(steps, "stop", "start", sockets);
    Add(steps, "stop", "start", {std::string(name) + ".service"});
    sockets.push_back(std::string(name) + ".service");
    Add(steps, "disable", "enable", sockets);
  }
  Words new_network = NetworkSockets(old_front, new_front, dry_run);
  for (const char* name : to) {
    Words sockets = SocketsOf(name);
    if (name == new_front) sockets.insert(sockets.end(), new_network.begin(), new_network.end());
    Words all = sockets;
    all.push_back(std::string(name) + ".service");
    Add(steps, "unmask", "unmask", all);
    Add(steps, "enable", "disable", all);
    Add(steps, "start", "stop", sockets);
  }
  // The daemons that start guests, networks and pools by themselves do so now.
  for (const char* name : to) {
    std::string_view daemon = name;
    if (daemon == "libvirtd" || daemon == "virtqemud" || daemon == "virtnetworkd" || daemon == "virtstoraged") {
      Add(steps, "start", "stop", {std::string(daemon) + ".service"});
    }
  }
  return steps;
}

int Carry(const std::vector<Step>& steps, bool dry_run) {
  for (std::size_t done = 0; done < steps.size(); ++done) {
    fmt::print("{}\n", Join(steps[done].forward));
    if (dry_run || Run(steps[done].forward) == 0) continue;
    fmt::print(stderr, "switch: that failed; going back\n");
    for (std::size_t undo = done + 1; undo-- > 0;) {
      fmt::print("{}\n", Join(steps[undo].back));
      Run(steps[undo].back);
    }
    return 1;
  }
  return 0;
}

// Whether a daemon holds its pid file.
bool HoldsPidFile(const std::string& name) {
  Fd fd(open((std::string(BV_RUNSTATEDIR "/") + name + ".pid").c_str(), O_RDWR | O_CLOEXEC));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  return fd && fcntl(fd.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool InUse(const std::string& name) {
  return HoldsPidFile(name) || (HasSystemd() && SystemctlSays("is-active", name + ".socket"));
}

int Status() {
  bool monolithic = InUse("libvirtd");
  bool modular = std::ranges::any_of(kModular, [](const char* name) { return InUse(name); });
  fmt::print("{}\n", monolithic && modular ? "both" : monolithic ? "monolithic" : modular ? "modular" : "none");
  return monolithic || modular ? 0 : 1;
}

int Usage() {
  fmt::print(stderr, "usage: busyvirt switch modular|monolithic|status [--dry-run]\n");
  return 1;
}

}  // namespace

int Switch(int argc, char** argv) {
  std::string to = argc > 1 ? argv[1] : "";
  bool dry_run = argc > 2 && std::string(argv[2]) == "--dry-run";
  if (argc > 3 || (argc == 3 && !dry_run)) return Usage();
  if (to == "status") return Status();
  if (to != "modular" && to != "monolithic") return Usage();
  bool modular = to == "modular";
  std::span<const char* const> old_daemons = kMonolithic, new_daemons = kModular;
  if (!modular) std::swap(old_daemons, new_daemons);
  if (!HasSystemd() && !dry_run) {
    fmt::print(stderr, "switch: there is no systemd here. Stop {}, then run: busyvirt supervise virtlogd virtlockd {}\n",
               fmt::join(old_daemons, " "), fmt::join(new_daemons, " "));
    return 1;
  }
  // Guests go on by themselves: the next daemon finds them by the state files that both read.
  return Carry(Plan(old_daemons, new_daemons, dry_run), dry_run);
}

}  // namespace bv
