// `busyvirt switch modular|monolithic|status [--dry-run]`: what libvirt's manual tells to do by hand
// with systemctl, undone again when a step fails.

#include <fcntl.h>
#include <fmt/core.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/files.h"
#include "daemon/personality.h"
#include "helpers.h"

namespace bv {

namespace {

constexpr const char* kMonolithic[] = {"libvirtd"};
constexpr const char* kModular[] = {"virtqemud",  "virtinterfaced", "virtnetworkd", "virtnodedevd", "virtnwfilterd",
                                    "virtsecretd", "virtstoraged",   "virtproxyd"};

// Those that look after what runs, also when no client asks.
constexpr std::string_view kKeepers[] = {"libvirtd", "virtqemud", "virtnetworkd", "virtstoraged"};

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

void Append(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

bool HasSystemd() { return access("/run/systemd/system", F_OK) == 0; }

bool SystemctlSays(const char* question, const std::string& unit) {
  return Run({"systemctl", "--quiet", question, unit}, true) == 0;
}

// How masking looks.
bool LinksToNothing(const std::string& unit) {
  for (const char* dir : {BV_SYSCONFDIR "/systemd/system/", BV_RUNSTATEDIR "/systemd/system/"}) {
    char target[sizeof "/dev/null"];
    auto size = readlink((dir + unit).c_str(), target, sizeof target);
    if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == "/dev/null") return true;
  }
  return false;
}

enum class Unit { kActive, kEnabled, kMasked };

bool Is(Unit what, const std::string& unit) {
  switch (what) {
    case Unit::kActive: return SystemctlSays("is-active", unit);
    case Unit::kEnabled: return SystemctlSays("is-enabled", unit);
    case Unit::kMasked: return LinksToNothing(unit);
  }
  return false;
}

// Those of `units` that are so (or are not). Where nothing can be asked, all of them.
Words Those(const Words& units, Unit what, bool wanted = true) {
  if (!HasSystemd()) return units;
  Words those;
  std::ranges::copy_if(units, std::back_inserter(those), [&](const std::string& unit) { return Is(what, unit) == wanted; });
  return those;
}

// A step and what undoes it.
struct Step {
  Words forward, back;
};

struct DaemonUnits {
  Words sockets;
  std::string service;

  Words all() const {
    Words units = sockets;
    units.push_back(service);
    return units;
  }
};

std::vector<DaemonUnits> UnitsOf(std::span<const char* const> names) {
  std::vector<DaemonUnits> side;
  for (std::string name : names) side.push_back({{name + ".socket", name + "-ro.socket", name + "-admin.socket"}, name + ".service"});
  return side;
}

class Plan {
 public:
  // Every unit that is about to change is looked at first, so that the way back leads to where it began.
  Plan(std::span<const char* const> from_names, std::span<const char* const> to_names) {
    std::vector<DaemonUnits> from = UnitsOf(from_names), to = UnitsOf(to_names);
    // libvirtd or virtproxyd.
    std::string old_front = from_names.back(), new_front = to_names.back();
    for (const char* kind : {"-tcp.socket", "-tls.socket"}) {
      from.back().sockets.push_back(old_front + kind);
      // Who was reachable over the network stays so.
      if (HasSystemd() && Is(Unit::kEnabled, old_front + kind)) to.back().sockets.push_back(new_front + kind);
    }
    // Disabling a daemon disables these too, as it names them in Also=.
    Words helpers = Those({"virtlogd.socket", "virtlogd-admin.socket", "virtlockd.socket", "virtlockd-admin.socket"}, Unit::kEnabled);
    AddBack("enable", helpers);
    Words old_services, old_units, new_units;
    for (const DaemonUnits& old : from) {
      old_services.push_back(old.service);
      Append(old_units, old.all());
    }
    for (const DaemonUnits& its : to) Append(new_units, its.all());
    old_services = Those(old_services, Unit::kActive);
    // Sockets first, both there and back: nobody starts a daemon again meanwhile, and one that runs would keep
    // systemd from opening its sockets.
    AddBack("start", old_services);
    for (const DaemonUnits& old : from) Add("stop", "start", Those(old.sockets, Unit::kActive));
    Add("stop", nullptr, old_services);
    Add("disable", "enable", Those(old_units, Unit::kEnabled));
    Add("unmask", "mask", Those(new_units, Unit::kMasked));
    Add("enable", "disable", Those(new_units, Unit::kEnabled, false));
    for (const DaemonUnits& its : to) Add("start", "stop", Those(its.sockets, Unit::kActive, false));
    // Those with guests, networks and pools to look after do so from now on.
    Words keepers;
    for (std::string_view name : to_names) {
      if (std::ranges::find(kKeepers, name) != std::end(kKeepers)) keepers.push_back(std::string(name) + ".service");
    }
    if (!empty()) Add("start", "stop", Those(keepers, Unit::kActive, false));
  }

  bool empty() const {
    return std::ranges::all_of(steps_, [](const Step& step) { return step.forward.empty(); });
  }

  void Print() const {
    for (const Step& step : steps_) {
      if (!step.forward.empty()) fmt::print("{}\n", Join(step.forward));
    }
  }

  int Carry() const {
    for (std::size_t done = 0; done < steps_.size(); ++done) {
      if (steps_[done].forward.empty() || Do(steps_[done].forward)) continue;
      fmt::print(stderr, "switch: this failed: {}\nswitch: going back\n", Join(steps_[done].forward));
      bool back = true;
      for (std::size_t undo = done + 1; undo-- > 0;) {
        if (!steps_[undo].back.empty()) back = Do(steps_[undo].back) && back;
      }
      fmt::print(stderr, "switch: {}\n", back ? "all is as it was" : "not all of it could be undone");
      return 1;
    }
    return 0;
  }

 private:
  static bool Do(const Words& command) {
    fmt::print("{}\n", Join(command));
    std::fflush(stdout);
    return Run(command) == 0;
  }

  static Words Command(const char* verb, const Words& units) {
    Words command = {"systemctl", verb};
    Append(command, units);
    return command;
  }
  void Add(const char* verb, const char* undo, const Words& units) {
    if (!units.empty()) steps_.push_back({Command(verb, units), undo ? Command(undo, units) : Words()});
  }
  void AddBack(const char* undo, const Words& units) {
    if (!units.empty()) steps_.push_back({{}, Command(undo, units)});
  }

  std::vector<Step> steps_;
};

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

// Names of the guests that a hypervisor's driver keeps state of.
Words RunningGuests(const std::string& driver) {
  Words guests;
  for (const std::string& file : ListDirectory(BV_RUNSTATEDIR "/libvirt/" + driver, ".xml")) {
    guests.push_back(file.substr(0, file.size() - 4));
  }
  return guests;
}

// QEMU's guests go on by themselves, and the next daemon finds them by the state that both read. Those of a
// hypervisor whose daemon is not among `to` would be left alone.
bool GuestsMayStay(std::span<const char* const> to) {
  if (Words guests = RunningGuests("qemu"); !guests.empty()) {
    fmt::print("switch: these guests run, and go on: {}\n", fmt::join(guests, ", "));
  }
  if (to.size() == 1) return true;  // libvirtd has all drivers
  for (std::string driver : {"lxc", "libxl", "bhyve"}) {
    Words guests = RunningGuests(driver);
    if (guests.empty()) continue;
    fmt::print(stderr, "switch: nothing would look after these guests of {}: {}\n", driver, fmt::join(guests, ", "));
    return false;
  }
  return true;
}

int Usage(FILE* out, int status) {
  fmt::print(out,
             "usage: busyvirt switch modular|monolithic [--dry-run]\n"
             "       busyvirt switch status\n\n"
             "  modular      from libvirtd to a daemon for each driver, with virtproxyd where libvirtd was\n"
             "  monolithic   the way back\n"
             "  --dry-run    print the commands, and change nothing\n"
             "  status       print which is in use: modular, monolithic, both or none (exit status 1)\n\n"
             "Guests go on. When a step fails, all is put back as it was, and the exit status is 1.\n");
  return status;
}

}  // namespace

int Switch(int argc, char** argv) {
  std::string to = argc > 1 ? argv[1] : "";
  bool dry_run = argc > 2 && std::string(argv[2]) == "--dry-run";
  if (argc == 2 && (to == "--help" || to == "-h")) return Usage(stdout, 0);
  if (argc > 3 || (argc == 3 && !dry_run)) return Usage(stderr, 1);
  if (to == "status") return Status();
  if (to != "modular" && to != "monolithic") return Usage(stderr, 1);
  std::span<const char* const> old_daemons = kMonolithic, new_daemons = kModular;
  if (to == "monolithic") std::swap(old_daemons, new_daemons);
  if (!HasSystemd() && !dry_run) {
    fmt::print(stderr, "switch: there is no systemd here. Stop {}, then run: busyvirt supervise virtlogd virtlockd {}\n",
               fmt::join(old_daemons, " "), fmt::join(new_daemons, " "));
    return 1;
  }
  if (!dry_run && geteuid() != 0) {
    fmt::print(stderr, "switch: only root may do that\n");
    return 1;
  }
  Plan plan(old_daemons, new_daemons);
  if (plan.empty()) {
    fmt::print("switch: it is {} already\n", to);
    return 0;
  }
  if (!GuestsMayStay(new_daemons)) return 1;
  if (dry_run) return plan.Print(), 0;
  return plan.Carry();
}

}  // namespace bv
