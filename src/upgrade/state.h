#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "rpc/identity.h"
#include "rpc/saved.h"

// The state file: what a daemon that executes itself anew (SIGUSR1) tells the new process image.
//
// /run/NAME-restart-exec.json, or in session mode $XDG_RUNTIME_DIR/libvirt/NAME-restart-exec.json, mode
// 0600, there for a moment only. Its shape is that of libvirt's virtlogd and virtlockd, so that theirs
// takes over from ours and ours from theirs; what only we have is in members called "busyvirt", which
// they do not look at. A descriptor is its number, which the exec does not change.
//
//   { "magic": "PID",                     the process that wrote it; another one's file is stale
//     "daemon": { "servers": { NAME: SERVER, "admin": SERVER } },
//     "busyvirt": { "version": 1,
//                   "startTime": N,       of the process, clock ticks since boot: numbers of processes recur
//                   "pidFile": FD,        open and locked
//                   "image": FD,          the executable that wrote this, to go back to; absent: none
//                   "timeout": N,         seconds, where virt-admin has changed it, and likewise:
//                   "logFilters": TEXT, "logOutputs": TEXT },
//     ... }                               the drivers' own members, described where they are read:
//                                         logd/log_state.h, lockd/lock_state.h, qemu/upgrade.cc, ...
//   SERVER: { "min_workers", "max_workers", "priority_workers", "max_clients", "max_anonymous_clients",
//             "keepaliveInterval" (seconds; 4294967295 is off), "keepaliveCount", "next_client_id",
//             "services": [ { "auth" (0 none, 1 SASL, 2 polkit), "readonly", "nrequests_client_max",
//                             "socks": [ SOCKET ],
//                             "busyvirt": { "tls": BOOL } } ],
//             "clients": [ { "id", "auth", "auth_pending", "readonly", "nrequests_max",
//                            "conn_time" (seconds since the epoch), "sock": SOCKET,
//                            "privateData": { ... },                  the drivers' own
//                            "busyvirt": { "keepAlive": BOOL, "identity": { "uid", "gid", "pid",
//                                          "startTime", "user", "group", "sasl", "x509", "selinux" },
//                                          "input": BASE64, "inputFds": [ FD ],
//                                          "output": [ { "data": BASE64, "fds": [ FD ] } ],
//                                          "closing": BOOL } } ] }
//   SOCKET: { "fd", "errfd": -1, "pid": 0, "isClient": BOOL, "unlinkUNIX": BOOL (ours to remove) }
//
// A reader ignores members that it does not know, and gives those that are missing their defaults; so
// the version changes only when a member changes its meaning. Versions above its own it refuses, and
// the image that wrote the file goes on.
namespace bv::upgrade {

inline constexpr std::uint32_t kVersion = 1;
// A reader's limit for the whole file, in bytes.
inline constexpr std::size_t kMaxState = 256u << 20;

struct SavedService {
  int socket = -1;
  std::uint32_t auth = 0;
  bool readonly = false;
  std::uint32_t max_requests = 5;
  bool own_file = false;  // the socket's file is ours to remove
  bool tls = false;
};

struct SavedClient {
  std::uint64_t id = 0;
  std::uint32_t auth = 0;
  bool auth_pending = false;
  bool readonly = false;
  bool keeps_alive = false;
  std::uint32_t max_requests = 5;
  std::int64_t since = 0;                 // seconds since the epoch
  rpc::SavedConnection connection;
  std::optional<rpc::Identity> identity;  // nullopt: what the socket says
  Json private_data;
};

struct SavedServer {
  std::string name;
  std::uint32_t min_workers = 0, max_workers = 0, priority_workers = 0;
  std::uint32_t max_clients = 0, max_anonymous_clients = 0;
  int keepalive_interval = -1;
  std::uint32_t keepalive_count = 0;
  std::uint64_t next_client_id = 1;
  std::vector<SavedService> services;
  std::vector<SavedClient> clients;
};

struct SavedDaemon {
  pid_t pid = 0;
  std::optional<std::uint64_t> start_time;
  std::vector<SavedServer> servers;
  int pid_file = -1;
  int image = -1;
  std::optional<std::uint32_t> timeout;
  std::optional<std::string> log_filters, log_outputs;
  // The whole, with the drivers' members: to be added before Format() and found after Parse().
  Json document;
};

// The document's text, from the members and what `document` has beside them.
std::string Format(const SavedDaemon& daemon);
// Throws kInternalError for what is no state, or one of a version above ours. Looks at no descriptor.
SavedDaemon Parse(std::string_view text);

// For drivers that hand over connections of their own; numbers of descriptors pass as they are.
Json FormatConnection(const rpc::SavedConnection& connection);
rpc::SavedConnection ParseConnection(const Json& json);

}  // namespace bv::upgrade
