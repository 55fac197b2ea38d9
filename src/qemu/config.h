#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv {

// Where the QEMU driver keeps things. One set for the system daemon (/etc/libvirt/qemu ...), one in
// the user's XDG directories for a session daemon.
struct QemuDirs {
  std::string config;       // definitions: NAME.xml
  std::string autostart;    // links to the definitions that start with the host
  std::string state;        // status XML and pid files
  std::string lib;          // per-guest directories
  std::string log;          // NAME.log
  std::string cache;        // capabilities of binaries
  std::string save;         // managed save images
  std::string snapshot;     // snapshot metadata
  std::string checkpoint;   // checkpoint metadata
  std::string dump;
  std::string nvram;
  std::string memory;       // memory_backing_dir
  std::string channel_target;
  std::string swtpm, dbus, slirp, passt;
  std::string sockets;      // of virtlogd and virtlockd

  // From the directories of a daemon (DriverEnvironment): ".../libvirt" each, without a trailing slash.
  static QemuDirs Make(bool privileged, const std::string& config_dir, const std::string& state_dir,
                       const std::string& lib_dir, const std::string& log_dir, const std::string& cache_dir);
};

// TLS settings that several transports have under a prefix of their own.
struct TlsSettings {
  bool enabled = false;
  std::string cert_dir;     // empty: default_tls_x509_cert_dir
  std::optional<bool> verify;
  std::string secret_uuid;
};

// qemu.conf and the facts that follow from it. Immutable once loaded; ReadQemuConfig makes a new
// one for a reload.
struct QemuConfig {
  bool privileged = true;
  QemuDirs dirs;

  std::string default_tls_x509_cert_dir = "/etc/pki/qemu";
  std::optional<bool> default_tls_x509_verify;
  std::string default_tls_x509_secret_uuid;

  std::string vnc_listen = "127.0.0.1";
  bool vnc_auto_unix_socket = false;
  TlsSettings vnc_tls;
  std::optional<std::string> vnc_password;
  bool vnc_sasl = false;
  std::string vnc_sasl_dir;
  bool vnc_allow_host_audio = false;

  std::string spice_listen = "127.0.0.1";
  TlsSettings spice_tls;
  bool spice_auto_unix_socket = false;
  std::optional<std::string> spice_password;
  bool spice_sasl = false;
  std::string spice_sasl_dir;

  TlsSettings chardev_tls, vxhs_tls, nbd_tls, migrate_tls, backup_tls;
  bool migrate_tls_force = false;

  bool nographics_allow_host_audio = false;
  std::uint32_t remote_display_port_min = 5900, remote_display_port_max = 65535;
  std::uint32_t remote_websocket_port_min = 5700, remote_websocket_port_max = 65535;

  std::vector<std::string> security_driver;
  bool security_default_confined = true, security_require_confined = false;
  std::string user, group;          // as written; resolved into uid and gid
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;        // that the user is in
  bool dynamic_ownership = true;
  bool remember_owner = true;

  std::vector<std::string> cgroup_controllers;    // empty: whatever is mounted
  std::vector<std::string> cgroup_device_acl;     // empty: the built-in list

  std::string save_image_format = "raw", dump_image_format = "raw", snapshot_image_format = "raw";
  std::string auto_dump_path;
  bool auto_dump_bypass_cache = false, auto_start_bypass_cache = false;

  std::vector<std::string> hugetlbfs_mount;       // empty: look in /proc/mounts
  std::string bridge_helper = "/usr/lib/qemu/qemu-bridge-helper";
  std::string pr_helper = "/usr/bin/qemu-pr-helper", slirp_helper = "/usr/bin/slirp-helper";
  std::string dbus_daemon = "/usr/bin/dbus-daemon";

  bool set_process_name = false;
  std::uint32_t max_processes = 0, max_files = 0, max_threads_per_process = 0;
  std::string max_core = "0";       // bytes or "unlimited"
  bool dump_guest_core = false;
  bool mac_filter = false, relaxed_acs_check = false;
  std::string lock_manager;
  std::uint32_t max_queued = 0;
  std::int32_t keepalive_interval = 5;
  std::uint32_t keepalive_count = 5;
  std::optional<bool> seccomp_sandbox;            // unset: on where QEMU can

  std::string migration_address = "::", migration_host;
  std::uint32_t migration_port_min = 49152, migration_port_max = 49215;
  bool log_timestamp = true;
  std::vector<std::string> nvram;                 // "CODE:VARS" pairs
  std::string stdio_handler = "logd";
  std::uint32_t gluster_debug_level = 4;
  bool virtiofsd_debug = false;
  std::vector<std::string> namespaces;
  bool namespaces_set = false;                    // unset: "mount" where possible
  std::string memory_backing_dir;
  std::string swtpm_user = "tss", swtpm_group = "tss";
  std::vector<std::string> capability_filters;
  std::string deprecation_behavior = "none", sched_core = "none";

  // Certificates for one transport, and whether peers must show theirs.
  const std::string& CertDir(const TlsSettings& tls) const {
    return tls.cert_dir.empty() ? default_tls_x509_cert_dir : tls.cert_dir;
  }
  bool Verify(const TlsSettings& tls, bool fallback) const {
    return tls.verify.value_or(default_tls_x509_verify.value_or(fallback));
  }
};

// The defaults, then what `text` (qemu.conf; empty when there is none) says. Throws kConfSyntax for
// what does not parse and kInternalError for a key of the wrong type or an unusable value. Looks
// up user and group: may block, so call it at start-up or in Offload.
QemuConfig ReadQemuConfig(bool privileged, QemuDirs dirs, std::string_view text, const std::string& filename);

// The commented template that is installed as qemu.conf.
std::string QemuConfigTemplate();

}  // namespace bv
