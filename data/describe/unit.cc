#include <algorithm>
#include <sstream>
#include <vector>

#include "describe.h"

namespace bv {

namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

void ReplaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// "After" for each of the words.
std::string Lines(const std::string& key, std::string_view words) {
  std::string lines;
  std::istringstream in{std::string(words)};
  for (std::string word; in >> word;) lines += key + "=" + word + "\n";
  return lines;
}

// The sockets that a service wants, for Wants= and Also=.
std::string SocketsOf(const Personality& personality) {
  std::string name(personality.name);
  std::string words = name + ".socket " + name + "-admin.socket";
  if (personality.ServesRemote()) words += " " + name + "-ro.socket";
  return words;
}

// Daemons that listen where this one does cannot run beside it.
std::string ConflictOf(const Personality& personality, const std::string& unit) {
  switch (personality.kind) {
    case ServerKind::kMonolithic: return unit == "service" ? "" : "virtproxyd" + unit;
    case ServerKind::kProxy: return "libvirtd" + (unit == "service" ? ".service" : unit);
    case ServerKind::kDriver: return unit == "service" ? "libvirtd.service" : "";
    default: return "";
  }
}

bool NeedsHelpers(const Personality& personality) {
  return personality.name == "libvirtd" || personality.name == "virtqemud";
}

// What a daemon can live without; those that start programs for guests keep everything.
std::string SandboxOf(const Personality& personality) {
  bool helper = !personality.ServesRemote();
  if (!helper && personality.name != "virtsecretd" && personality.name != "virtproxyd") return "";
  return "NoNewPrivileges=yes\nProtectControlGroups=yes\nProtectKernelModules=yes\nProtectKernelTunables=yes\n"
         "LockPersonality=yes\nRestrictRealtime=yes\nRestrictSUIDSGID=yes\nMemoryDenyWriteExecute=yes\n";
}

}  // namespace

std::string Unit(const Personality& personality, const std::string& text, const UnitPaths& paths) {
  std::string name(personality.name);
  std::string unit = text;
  std::string after = "network.target dbus.service local-fs.target " + std::string(personality.unit_after);
  std::string service_sockets = SocketsOf(personality);
  std::pair<const char*, std::string> values[] = {
      {"@NAME@", name},
      {"@UPPER@", Upper(name)},
      {"@ABOUT@", std::string(personality.about)},
      {"@PREFIX@", std::string(personality.SocketPrefix())},
      {"@SBINDIR@", paths.sbindir},
      {"@SYSCONFDIR@", paths.sysconfdir},
      {"@RUNDIR@", paths.runstatedir + "/libvirt"},
      {"@AFTER@\n", Lines("After", after)},
      {"@WANTS@\n", Lines("Wants", service_sockets) +
                        (NeedsHelpers(personality) ? Lines("Wants", "systemd-machined.service") : "")},
      {"@REQUIRES@\n", NeedsHelpers(personality) ? Lines("Requires", "virtlogd.socket virtlockd.socket") : ""},
      {"@ALSO@\n", Lines("Also", service_sockets) +
                       (NeedsHelpers(personality) ? Lines("Also", "virtlogd.socket virtlockd.socket") : "")},
      {"@CONFLICTS@\n", Lines("Conflicts", ConflictOf(personality, "service"))},
      {"@CONFLICTS .socket@\n", Lines("Conflicts", ConflictOf(personality, ".socket"))},
      {"@CONFLICTS -ro.socket@\n", Lines("Conflicts", ConflictOf(personality, "-ro.socket"))},
      {"@CONFLICTS -admin.socket@\n", Lines("Conflicts", ConflictOf(personality, "-admin.socket"))},
      {"@CONFLICTS -tcp.socket@\n", Lines("Conflicts", ConflictOf(personality, "-tcp.socket"))},
      {"@CONFLICTS -tls.socket@\n", Lines("Conflicts", ConflictOf(personality, "-tls.socket"))},
      {"@MODE@", personality.ServesRemote() ? "0666" : "0600"},
      // Each guest keeps a descriptor or two open in its driver, four in virtlogd, and one a disk in
      // virtlockd; all for 4096 guests.
      {"@NOFILE@", personality.kind == ServerKind::kLog ? "16384" : personality.kind == ServerKind::kLock ? "40960" : "8192"},
      {"@SANDBOX@\n", SandboxOf(personality)},
  };
  for (const auto& [from, to] : values) ReplaceAll(unit, from, to);
  return unit;
}

}  // namespace bv
