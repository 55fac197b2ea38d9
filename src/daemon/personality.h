#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/driver.h"

namespace bv {

// Which configuration file's keys a daemon knows, and with them how it is reached.
enum class ServerKind : std::uint8_t {
  kMonolithic = 1,  // libvirtd: the "libvirt" sockets, TCP and TLS with --listen
  kProxy = 2,       // virtproxyd: the same sockets, TCP and TLS as configured
  kDriver = 4,      // virtqemud ...: its own Unix sockets
  kLog = 8,         // virtlogd: one socket for the daemons of the same user
  kLock = 16,       // virtlockd: likewise
};

// One of the daemons that this executable can be: a row in applets/personalities.cc, from which its
// options, sockets, configuration file, units and manual page follow, and a file in applets/ that
// says which drivers it has.
struct Personality {
  std::string_view name;            // also of its executable, configuration file and log
  std::string_view about;           // completes "libvirt ... daemon"
  std::string_view manages;         // what it does, for the manual page
  ServerKind kind;
  bool session;                     // may run as an ordinary user
  void (*add_drivers)(DriverList& drivers, const DriverEnvironment& environment);
  // What its units say beyond the common: units to start after, units that cannot run beside it (words),
  // and a path without which there is nothing to manage.
  std::string_view unit_after = {}, unit_conflicts = {}, unit_condition = {};

  bool HasTcp() const { return kind == ServerKind::kMonolithic || kind == ServerKind::kProxy; }
  // Serves the remote program (all but virtlogd and virtlockd).
  bool ServesRemote() const { return kind <= ServerKind::kDriver; }
  // The start of its sockets' names.
  std::string_view SocketPrefix() const { return HasTcp() ? "libvirt" : name; }
};

// Sorted by name.
std::span<const Personality> Personalities();
const Personality* FindPersonality(std::string_view name);

}  // namespace bv
