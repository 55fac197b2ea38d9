#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace bv::rpc {

// Who is at the other end, as far as the way in tells. Set by the daemon when it accepts the
// connection and when authentication completes; a proxy may set it for its own client.
struct Identity {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<pid_t> pid;
  std::optional<uint64_t> pid_start_time;  // clock ticks since boot, as in /proc/PID/stat
  std::string user_name;
  std::string group_name;
  std::string sasl_user;
  std::string x509_dname;
  std::string selinux_context;
  std::string system_token;  // what only daemons know; whether it is the right one is for the reader to see
};

}  // namespace bv::rpc
