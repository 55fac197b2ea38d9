#include "daemon/config_rows.h"

#include <algorithm>

namespace bv {

namespace {

using C = DaemonConfig;
using L = ServerLimits;

constexpr ServerKinds kLibvirtd = 1, kProxy = 2, kDriver = 4, kLogd = 8, kLockd = 16;
constexpr ServerKinds kIp = kLibvirtd | kProxy;
constexpr ServerKinds kRemote = kIp | kDriver;
constexpr ServerKinds kLogOrLock = kLogd | kLockd;
constexpr ServerKinds kAll = kRemote | kLogOrLock;
constexpr bool kOwnSockets = true;  // not_when_activated

// A row without a key opens a section of the template.
constexpr ConfigRow Section(ServerKinds kinds, std::string_view title) { return {{}, kinds, {}, {}, {}, title}; }
constexpr ConfigRow Unused(std::string_view key) {
  return {key, kRemote, {}, {}, "1", "Accepted and without effect; older files have it."};
}

constexpr ConfigRow kRows[] = {
    Section(kIp, "Listening on the network"),
    {"listen_tls", kLibvirtd, {&C::listen_tls}, "1", {},
     "Whether to listen for TLS connections when started with --listen. A certificate\n"
     "authority and a server certificate must be there.",
     {}, kOwnSockets},
    {"listen_tls", kProxy, {&C::listen_tls}, "0", {},
     "Whether to listen for TLS connections. A certificate authority and a server\n"
     "certificate must be there.",
     {}, kOwnSockets},
    {"listen_tcp", kIp, {&C::listen_tcp}, "0", {},
     "Whether to listen for TCP connections without TLS. SASL then has to encrypt, see\n"
     "auth_tcp.",
     {}, kOwnSockets},
    {"tls_port", kIp, {&C::tls_port}, "16514", {}, "Port for TLS, a number or a service name.", {}, kOwnSockets},
    {"tcp_port", kIp, {&C::tcp_port}, "16509", {}, "Port for TCP, a number or a service name.", {}, kOwnSockets},
    {"listen_addr", kIp, {&C::listen_addr}, {}, "\"192.168.0.1\"",
     "Listen on this address or host name only. Unset: on all interfaces.", {}, kOwnSockets},

    Section(kRemote, "Unix sockets"),
    {"unix_sock_group", kRemote, {&C::unix_sock_group}, {}, "\"libvirt\"",
     "Group that owns the read-write and the read-only socket. Unset: the daemon's own.", {}, kOwnSockets},
    {"unix_sock_ro_perms", kRemote, {&C::unix_sock_ro_perms}, "0777", {},
     "Mode of the read-only socket, octal.", {}, kOwnSockets},
    {"unix_sock_rw_perms", kRemote, {&C::unix_sock_rw_perms}, {}, "\"0770\"",
     "Mode of the read-write socket, octal. Unset: 0777 when auth_unix_rw is \"polkit\",\n"
     "as polkit then decides about every client, and 0700 when it is not.",
     {}, kOwnSockets},
    {"unix_sock_admin_perms", kRemote, {&C::unix_sock_admin_perms}, "0700", {},
     "Mode of the administration socket, octal.", {}, kOwnSockets},
    {"unix_sock_dir", kRemote, {&C::unix_sock_dir}, {}, "\"/run/libvirt\"",
     "Directory of the sockets.", {}, kOwnSockets},

    Section(kRemote, "Authentication"),
    {"auth_unix_ro", kRemote, {&C::auth_unix_ro}, {}, "\"polkit\"",
     "Who may use the read-only socket: \"none\" (whom the socket's mode lets in), \"sasl\",\n"
     "or \"polkit\". Unset: polkit for the system's daemon, none for a user's own.",
     ConfigRule::kAuth},
    {"auth_unix_rw", kRemote, {&C::auth_unix_rw}, {}, "\"polkit\"",
     "The same for the read-write socket. Where systemd makes the socket, its SocketMode\n"
     "has to be narrowed when this is not \"polkit\".",
     ConfigRule::kAuth},
    {"auth_tcp", kIp, {&C::auth_tcp}, "sasl", {},
     "Authentication on TCP without TLS: \"sasl\" (mechanisms that encrypt only), or \"none\",\n"
     "with which everything is readable and open to anybody.",
     ConfigRule::kAuth},
    {"auth_tls", kIp, {&C::auth_tls}, "none", {},
     "Authentication on TLS beyond the client's certificate: \"none\" or \"sasl\".", ConfigRule::kAuth},
    {"tcp_min_ssf", kIp, {&C::tcp_min_ssf}, {}, "112",
     "Least strength in bits of SASL's encryption on TCP: 112 or more. Unset: 56.", ConfigRule::kSsf},
    {"access_drivers", kRemote, {&C::access_drivers}, {}, "[ \"polkit\" ]",
     "Check each call of an authenticated client with these drivers: \"polkit\" asks polkit\n"
     "about the permission that the call needs. Unset: an authenticated client may do all."},

    Section(kIp, "Certificates"),
    {"key_file", kIp, {&C::key_file}, {}, "\"/etc/pki/libvirt/private/serverkey.pem\"",
     "The server's private key. Setting one of these files means setting those that are\n"
     "used beside it."},
    {"cert_file", kIp, {&C::cert_file}, {}, "\"/etc/pki/libvirt/servercert.pem\"", "The server's certificate."},
    {"ca_file", kIp, {&C::ca_file}, {}, "\"/etc/pki/CA/cacert.pem\"", "The certificate authority's certificate."},
    {"crl_file", kIp, {&C::crl_file}, {}, "\"/etc/pki/CA/cacrl.pem\"",
     "Certificates that were revoked. Unset: none are."},

    Section(kRemote, "Authorization"),
    {"tls_no_sanity_certificate", kIp, {&C::tls_no_sanity_certificate}, "0", {},
     "1 to start even if the server's own certificates are expired or unfit."},
    {"tls_no_verify_certificate", kIp, {&C::tls_no_verify_certificate}, "0", {},
     "1 to let clients in whose certificate the authority has not signed, or who have none."},
    {"tls_allowed_dn_list", kIp, {&C::tls_allowed_dn_list}, {},
     "[ \"C=GB,ST=London,L=London,O=Example,CN=*\" ]",
     "Distinguished names of the client certificates that may connect; * stands for any\n"
     "text. An empty list lets nobody in. Unset: every verified client may connect."},
    {"tls_priority", kIp, {&C::tls_priority}, {}, "\"NORMAL\"", "GnuTLS priorities, if not the system's."},
    {"sasl_allowed_username_list", kRemote, {&C::sasl_allowed_username_list}, {},
     "[ \"joe@EXAMPLE.COM\", \"*@OPS.EXAMPLE.COM\" ]",
     "SASL user names that may connect; * stands for any text, ? for one character. An\n"
     "empty list lets nobody in. Unset: every authenticated user may."},

    Section(kAll, "Limits"),
    {"max_clients", kRemote, {&L::max_clients}, "5000", {}, "Connections at a time, over all sockets."},
    {"max_clients", kLogOrLock, {&L::max_clients}, "1024", {},
     "Connections at a time. Every guest keeps one open."},
    {"max_queued_clients", kRemote, {&L::max_queued_clients}, "1000", {},
     "Connections that may wait to be accepted."},
    {"max_anonymous_clients", kRemote, {&L::max_anonymous_clients}, "20", {},
     "Accepted connections that may wait for authentication; 0 for no limit."},
    {"min_workers", kRemote, {&L::min_workers}, "5", {},
     "The worker counts limit how many calls run at a time: up to max_workers ordinary\n"
     "ones, and prio_workers more of those that never wait for a guest."},
    {"max_workers", kRemote, {&L::max_workers}, "20", {}, "See min_workers.", ConfigRule::kNotZero},
    {"prio_workers", kRemote, {&L::prio_workers}, "5", {}, "See min_workers."},
    {"max_client_requests", kRemote, {&L::max_client_requests}, "5", {},
     "Unanswered calls a single client may have. Too few, and keepalive suffers.", ConfigRule::kNotZero},
    {"admin_min_workers", kRemote, {&L::min_workers, true}, "1", {},
     "The same limits for the administration socket."},
    {"admin_max_workers", kRemote, {&L::max_workers, true}, "5", {}, "See admin_min_workers.", ConfigRule::kNotZero},
    {"admin_max_clients", kAll, {&L::max_clients, true}, "5000", {},
     "Connections at a time on the administration socket."},
    {"admin_max_queued_clients", kRemote, {&L::max_queued_clients, true}, "5", {}, "See admin_min_workers."},
    {"admin_max_client_requests", kRemote, {&L::max_client_requests, true}, "5", {}, "See admin_min_workers.",
     ConfigRule::kNotZero},

    Section(kAll, "Logging"),
    {"log_level", kAll, {&C::log_level}, "3", {},
     "4 errors, 3 warnings too, 2 information, 1 everything. Prefer log_filters to a low level."},
    {"log_filters", kAll, {&C::log_filters}, {}, "\"1:qemu 3:event 1:util\"",
     "LEVEL:TEXT pairs with spaces between: the level for sources whose name contains TEXT.\n"
     "The first that fits decides."},
    {"log_outputs", kAll, {&C::log_outputs}, {}, "\"3:syslog:libvirtd 1:file:/var/log/libvirt/debug.log\"",
     "Where messages go, each place with its own level: LEVEL:stderr, LEVEL:syslog:NAME,\n"
     "LEVEL:file:PATH, LEVEL:journald."},

    Section(kRemote, "Audit"),
    {"audit_level", kRemote, {&C::audit_level}, "1", {},
     "0 no audit records, 1 when the host has auditing on, 2 refuse to start when it has not."},
    {"audit_logging", kRemote, {&C::audit_logging}, "0", {}, "1 to send audit records to the log too."},

    Section(kRemote, "The host"),
    {"host_uuid", kRemote, {&C::host_uuid}, {}, "\"8510ff56-6f4a-4d08-9b1d-3ad6b1e3dc4b\"",
     "The host's UUID, where the firmware's is not unique. Not all digits may be the same."},
    {"host_uuid_source", kRemote, {&C::host_uuid_source}, "smbios", {},
     "Where the UUID comes from without host_uuid: \"smbios\" or \"machine-id\"."},

    Section(kRemote, "Keepalive"),
    {"keepalive_interval", kRemote, {&L::keepalive_interval}, "5", {},
     "After this many seconds of silence a client is asked whether it is there; -1 for never."},
    {"keepalive_count", kRemote, {&L::keepalive_count}, "5", {},
     "Questions without an answer after which the connection is closed."},
    Unused("keepalive_required"),
    {"admin_keepalive_interval", kRemote, {&L::keepalive_interval, true}, "5", {},
     "The same for the administration socket."},
    {"admin_keepalive_count", kRemote, {&L::keepalive_count, true}, "5", {}, "See admin_keepalive_interval."},
    Unused("admin_keepalive_required"),

    Section(kRemote, "Open vSwitch"),
    {"ovs_timeout", kRemote, {&C::ovs_timeout}, "5", {}, "Seconds that ovs-vsctl may take.", ConfigRule::kNotZero},

    Section(kLogd, "Log files"),
    {"max_size", kLogd, {&C::max_size}, "2097152", {},
     "Bytes after which a log file is rolled over; 0 for never, which lets a guest fill the\n"
     "disk. Keep it below the size in the logrotate configuration."},
    {"max_backups", kLogd, {&C::max_backups}, "3", {}, "Rolled-over files to keep beside the current one."},
    {"compress", kLogd, {&C::compress}, "none", {},
     "\"zstd\" to compress rolled-over files, to NAME.0.zst and so on. Clients read them all\n"
     "the same; zstdcat(1) shows them. \"none\" keeps them plain, as libvirt's own virtlogd\n"
     "does, which cannot read compressed ones.",
     ConfigRule::kCompress},
    {"max_age_days", kLogd, {&C::max_age_days}, "0", {},
     "Days after which logs that nobody writes to any more are removed from log_root; 0 to\n"
     "keep them for ever. This is for all that is called *.log there, whoever made it."},
    {"log_root", kLogd, {&C::log_root}, {}, "\"/var/log/libvirt\"",
     "Where max_age_days looks, one level of directories deep. Unset: libvirt's log\n"
     "directory."},
};

bool IsText(const ConfigRow& row) {
  return std::holds_alternative<ConfigTarget::Member<std::string>>(row.target.member);
}

void AppendComment(std::string& out, std::string_view text) {
  for (;;) {
    auto end = text.find('\n');
    out.append("# ").append(text.substr(0, end)).append("\n");
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::span<const ConfigRow> ConfigRows() { return kRows; }

std::string ConfigTemplate(const Personality& personality) {
  std::string out;
  AppendComment(out, "Configuration of " + std::string(personality.name) +
                         ". Every key shows its default, or an example\nwhere there is none.");
  for (const ConfigRow& row : kRows) {
    if (!HasKey(personality, row)) continue;
    out += '\n';
    if (row.key.empty()) {
      out.append("#\n# === ").append(row.help).append(" ===\n#\n");
      continue;
    }
    AppendComment(out, row.help);
    if (row.not_when_activated) AppendComment(out, "Without effect where systemd makes the sockets.");
    out.append("#").append(row.key).append(" = ");
    if (row.default_text.empty()) {
      out.append(row.example);
    } else if (IsText(row)) {
      out.append("\"").append(row.default_text).append("\"");
    } else {
      out.append(row.default_text);
    }
    out += '\n';
  }
  return out;
}

}  // namespace bv
