#pragma once

#include <string>

#include "daemon/personality.h"

namespace bv {

// Where this user's daemons keep things: the system's directories for root, the XDG ones for
// everybody else, by GLib's rules, which libvirt's clients go by (the cache's where there is no
// XDG_RUNTIME_DIR). What the environment gives relative to our directory is made absolute.
DriverEnvironment MakeEnvironment();

struct CertificatePaths {
  std::string ca, crl, certificate, key;
};

// The files of one daemon. Sockets are under `socket_dir`, which unix_sock_dir may change.
struct DaemonPaths {
  std::string config_file;   // may not exist
  std::string pid_file;
  std::string state_file;    // of a live upgrade: see upgrade/state.h
  std::string log_file;      // where a daemon in the background logs when there is no journal
  std::string socket_dir;
  CertificatePaths certificates, system_certificates;
};
DaemonPaths PathsOf(const Personality& personality, const DriverEnvironment& environment);

// "/run/libvirt/libvirt-sock", "-sock-ro", "-admin-sock".
std::string SocketPath(const Personality& personality, const std::string& dir, std::string_view suffix);

}  // namespace bv
