#include <algorithm>
#include <sstream>
#include <vector>

#include "daemon/backend.h"
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

// `key` with each of the words.
std::string Lines(std::string_view key, std::string_view words) {
  std::string lines;
  std::istringstream in{std::string(words)};
  for (std::string word; in >> word;) lines.append(key).append("=").append(word).append("\n");
  return lines;
}

// The sockets that a service wants, for Wants= and Also=.
std::string SocketsOf(const Personality& personality) {
  std::string name(personality.name);
  std::string words = name + ".socket " + name + "-admin.socket";
  if (personality.ServesRemote()) words += " " + name + "-ro.socket";
  return words;
}

// The daemon that cannot run beside this one: it listens at the same place, or holds the same guests.
std::string ConflictOf(const Personality& personality, const std::string& unit) {
  switch (personality.kind) {
    case ServerKind::kMonolithic: return unit == "service" ? "" : "virtproxyd" + unit;
    case ServerKind::kProxy: return "libvirtd" + (unit == "service" ? ".service" : unit);
    case ServerKind::kDriver: return unit == "service" ? "libvirtd.service" : "";
    default: return "";
  }
}

// Those whose guests have virtlogd for their consoles and virtlockd for their disks.
constexpr const char* kNeedHelpers[] = {"libvirtd", "virtqemud"};

bool NeedsHelpers(const Personality& personality) {
  return std::ranges::find(kNeedHelpers, personality.name) != std::end(kNeedHelpers);
}

// In a switch the one has to be gone before the other comes: sockets would take each other's path away, and
// daemons each other's guests. An order does that, and one direction of it is enough.
std::string ConflictLines(const Personality& personality, const std::string& unit) {
  std::string other = ConflictOf(personality, unit);
  return Lines("Conflicts", other) + (personality.kind == ServerKind::kMonolithic ? "" : Lines("After", other));
}

bool WantsMachined(const Personality& personality) {
  return NeedsHelpers(personality) || personality.name == "virtlxcd";
}

// The services that a socket has to be there before.
std::string BeforeSocket(const Personality& personality) {
  std::string lines = Lines("Before", std::string(personality.name) + ".service");
  if (personality.ServesRemote()) return lines;
  for (const char* user : kNeedHelpers) lines += Lines("Before", std::string(user) + ".service");
  return lines;
}

// What a daemon can live without. Those that start guests pass all they have on to them; those that start other
// programs (dnsmasq, iptables, mkfs) keep what these may need; the rest start nothing.
std::string SandboxOf(const Personality& personality) {
  constexpr std::string_view kStartPrograms[] = {"virtinterfaced", "virtnetworkd", "virtnodedevd", "virtnwfilterd", "virtstoraged"};
  if (std::ranges::find(kStartPrograms, personality.name) != std::end(kStartPrograms)) {
    return "LockPersonality=yes\nRestrictRealtime=yes\n";
  }
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
                        (WantsMachined(personality) ? Lines("Wants", "systemd-machined.service") : "")},
      {"@REQUIRES@\n", NeedsHelpers(personality) ? Lines("Requires", "virtlogd.socket virtlockd.socket") : ""},
      {"@ALSO@\n", Lines("Also", service_sockets) +
                       (NeedsHelpers(personality) ? Lines("Also", "virtlogd.socket virtlockd.socket") : "")},
      {"@BEFORE@\n", BeforeSocket(personality)},
      {"@CONDITION@\n", Lines("ConditionPathExists", personality.unit_condition)},
      {"@CONFLICTS@\n", ConflictLines(personality, "service") +
                            Lines("Conflicts", personality.unit_conflicts)},
      {"@CONFLICTS .socket@\n", ConflictLines(personality, ".socket")},
      {"@CONFLICTS -ro.socket@\n", ConflictLines(personality, "-ro.socket")},
      {"@CONFLICTS -admin.socket@\n", ConflictLines(personality, "-admin.socket")},
      {"@CONFLICTS -tcp.socket@\n", ConflictLines(personality, "-tcp.socket")},
      {"@CONFLICTS -tls.socket@\n", ConflictLines(personality, "-tls.socket")},
      {"@MODE@", personality.ServesRemote() ? "0666" : "0600"},
      // Each guest keeps a descriptor or two open in its driver, four in virtlogd, and one a disk in
      // virtlockd; all for 4096 guests.
      {"@NOFILE@", personality.kind == ServerKind::kLog ? "16384" : personality.kind == ServerKind::kLock ? "40960" : "8192"},
      {"@SANDBOX@\n", SandboxOf(personality)},
  };
  for (const auto& [from, to] : values) ReplaceAll(unit, from, to);
  return unit;
}

std::string GuestsUnit(const std::string& text, const UnitPaths& paths) {
  std::string unit = text, sockets = "libvirtd.socket virtproxyd.socket";
  for (const Backend& backend : Backends()) {
    if (backend.hypervisor) sockets.append(" ").append(backend.daemon).append(".socket");
  }
  ReplaceAll(unit, "@AFTER@\n", Lines("After", sockets));
  ReplaceAll(unit, "@SBINDIR@", paths.sbindir);
  ReplaceAll(unit, "@SYSCONFDIR@", paths.sysconfdir);
  return unit;
}

}  // namespace bv
