#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/personality.h"

namespace bv {

enum class AuthScheme { kNone, kSasl, kPolkit };

// How many clients and calls a server takes at a time. The worker counts are admission slots.
struct ServerLimits {
  std::uint32_t min_workers = 5, max_workers = 20, prio_workers = 5;
  std::uint32_t max_clients = 5000, max_queued_clients = 1000, max_anonymous_clients = 20;
  std::uint32_t max_client_requests = 5;
  int keepalive_interval = 5;  // seconds; -1 is off
  std::uint32_t keepalive_count = 5;
};

// The values of libvirtd.conf and its siblings. Each member belongs to a row in config_rows.cc, which
// knows its key, range, default and help; keys a daemon's file does not have keep their defaults.
struct DaemonConfig {
  bool listen_tls = true, listen_tcp = false;
  std::string tls_port, tcp_port;
  std::optional<std::string> listen_addr;

  std::optional<std::string> unix_sock_group, unix_sock_dir;
  std::string unix_sock_ro_perms, unix_sock_admin_perms;
  std::optional<std::string> unix_sock_rw_perms;  // unset: by what auth_unix_rw is

  std::optional<std::string> auth_unix_ro, auth_unix_rw;  // unset: polkit for root's daemon, else none
  std::string auth_tcp, auth_tls;
  std::uint32_t tcp_min_ssf = 56;
  std::optional<std::vector<std::string>> access_drivers;

  std::optional<std::string> key_file, cert_file, ca_file, crl_file;
  bool tls_no_sanity_certificate = false, tls_no_verify_certificate = false;
  std::optional<std::vector<std::string>> tls_allowed_dn_list, sasl_allowed_username_list;
  std::optional<std::string> tls_priority;

  ServerLimits main, admin;

  std::uint32_t log_level = 3;
  std::optional<std::string> log_filters, log_outputs;

  std::uint32_t audit_level = 1;
  bool audit_logging = false;
  std::optional<std::string> host_uuid;
  std::string host_uuid_source = "smbios";
  std::uint32_t ovs_timeout = 5;  // seconds

  // Keys that the file sets and that say nothing where the service manager makes the sockets.
  std::vector<std::string> own_socket_keys;

  std::uint64_t max_size = 0;  // bytes; virtlogd
  std::uint32_t max_backups = 0, max_age_days = 0;
  std::string compress;
  std::optional<std::string> log_root;

  AuthScheme UnixAuth(bool readonly, bool privileged) const;
  AuthScheme TcpAuth() const;
  AuthScheme TlsAuth() const;
  // Octal; the default of the read-write socket is open to all where polkit asks everybody.
  std::string UnixPermissions(bool readonly, bool privileged) const;
};

// The values that rule when nothing is configured.
DaemonConfig DefaultConfig(const Personality& personality);
// Parses a configuration file's text. Throws kConfSyntax, kInternalError or kConfigUnsupported with
// "FILE:LINE: what is wrong" on a syntax error, an unknown key, a wrong type or a value out of range.
DaemonConfig ParseConfig(const Personality& personality, std::string_view text, std::string_view file_name);

}  // namespace bv
