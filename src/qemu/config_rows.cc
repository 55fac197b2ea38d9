#include "qemu/config_rows.h"

#include <fmt/core.h>

#include <limits>
#include <variant>

#include "base/error.h"

namespace bv {
namespace {

// A field of one of the TlsSettings.
template <typename T>
struct TlsField {
  TlsSettings QemuConfig::*group;
  T TlsSettings::*field;
  T& In(QemuConfig& config) const { return config.*group.*field; }
};
template <typename T>
constexpr TlsField<T> Tls(TlsSettings QemuConfig::*group, T TlsSettings::*field) {
  return {group, field};
}

using Place =
    std::variant<bool QemuConfig::*, std::optional<bool> QemuConfig::*, std::int32_t QemuConfig::*,
                 std::uint32_t QemuConfig::*, std::string QemuConfig::*, std::optional<std::string> QemuConfig::*,
                 std::vector<std::string> QemuConfig::*, TlsField<bool>, TlsField<std::optional<bool>>,
                 TlsField<std::string>>;

// One key of qemu.conf. Its type is that of the field it sets; `sample` is what the template shows,
// commented out.
struct Row {
  const char* name;
  Place place;
  const char* sample;
  const char* help;
};

constexpr Row kRows[] = {
    {"default_tls_x509_cert_dir", &QemuConfig::default_tls_x509_cert_dir, "\"/etc/pki/qemu\"",
     "Directory with ca-cert.pem, server-cert.pem, server-key.pem and, for peers that are asked for theirs, "
     "client-cert.pem and client-key.pem. Used by every TLS transport below that has no directory of its own."},
    {"default_tls_x509_verify", &QemuConfig::default_tls_x509_verify, "1",
     "Whether TLS peers must show a certificate signed by the CA, where a transport does not say otherwise."},
    {"default_tls_x509_secret_uuid", &QemuConfig::default_tls_x509_secret_uuid, "\"00000000-0000-0000-0000-000000000000\"",
     "Secret that holds the password of an encrypted server-key.pem."},
    {"vnc_listen", &QemuConfig::vnc_listen, "\"0.0.0.0\"",
     "Address that VNC servers listen on when the guest's XML names none. Without it: 127.0.0.1."},
    {"vnc_auto_unix_socket", &QemuConfig::vnc_auto_unix_socket, "1",
     "Serve VNC on a UNIX socket in the guest's directory instead of TCP when the XML names no address."},
    {"vnc_tls", Tls(&QemuConfig::vnc_tls, &TlsSettings::enabled), "1",
     "Encrypt VNC with TLS."},
    {"vnc_tls_x509_cert_dir", Tls(&QemuConfig::vnc_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-vnc\"",
     "Certificates for VNC."},
    {"vnc_tls_x509_secret_uuid", Tls(&QemuConfig::vnc_tls, &TlsSettings::secret_uuid), "\"00000000-0000-0000-0000-000000000000\"",
     "Secret with the password of the VNC server key."},
    {"vnc_tls_x509_verify", Tls(&QemuConfig::vnc_tls, &TlsSettings::verify), "1",
     "Whether VNC clients must show a certificate."},
    {"vnc_password", &QemuConfig::vnc_password, "\"XYZ12345\"",
     "Password of VNC servers whose guest XML sets none; 8 bytes count."},
    {"vnc_sasl", &QemuConfig::vnc_sasl, "1",
     "Authenticate VNC clients with SASL."},
    {"vnc_sasl_dir", &QemuConfig::vnc_sasl_dir, "\"/some/directory/sasl2\"",
     "Directory with the SASL configuration for VNC (a file qemu.conf)."},
    {"vnc_allow_host_audio", &QemuConfig::vnc_allow_host_audio, "0",
     "Let guests with VNC use the host's sound as the environment of the daemon says."},
    {"spice_listen", &QemuConfig::spice_listen, "\"0.0.0.0\"",
     "Address that SPICE servers listen on when the guest's XML names none. Without it: 127.0.0.1."},
    {"spice_tls", Tls(&QemuConfig::spice_tls, &TlsSettings::enabled), "1",
     "Encrypt SPICE with TLS."},
    {"spice_tls_x509_cert_dir", Tls(&QemuConfig::spice_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-spice\"",
     "Certificates for SPICE."},
    {"spice_auto_unix_socket", &QemuConfig::spice_auto_unix_socket, "1",
     "Serve SPICE on a UNIX socket in the guest's directory when the XML names no address."},
    {"spice_password", &QemuConfig::spice_password, "\"XYZ12345\"",
     "Password of SPICE servers whose guest XML sets none."},
    {"spice_sasl", &QemuConfig::spice_sasl, "1",
     "Authenticate SPICE clients with SASL."},
    {"spice_sasl_dir", &QemuConfig::spice_sasl_dir, "\"/some/directory/sasl2\"",
     "Directory with the SASL configuration for SPICE."},
    {"chardev_tls", Tls(&QemuConfig::chardev_tls, &TlsSettings::enabled), "1",
     "Encrypt character devices on TCP with TLS."},
    {"chardev_tls_x509_cert_dir", Tls(&QemuConfig::chardev_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-chardev\"",
     "Certificates for character devices."},
    {"chardev_tls_x509_verify", Tls(&QemuConfig::chardev_tls, &TlsSettings::verify), "1",
     "Whether peers of character devices must show a certificate."},
    {"chardev_tls_x509_secret_uuid", Tls(&QemuConfig::chardev_tls, &TlsSettings::secret_uuid), "\"00000000-0000-0000-0000-000000000000\"",
     "Secret with the password of that key."},
    {"vxhs_tls", Tls(&QemuConfig::vxhs_tls, &TlsSettings::enabled), "1",
     "Use TLS towards VxHS disks."},
    {"vxhs_tls_x509_cert_dir", Tls(&QemuConfig::vxhs_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-vxhs\"",
     "Client certificates for VxHS disks."},
    {"vxhs_tls_x509_secret_uuid", Tls(&QemuConfig::vxhs_tls, &TlsSettings::secret_uuid), "\"00000000-0000-0000-0000-000000000000\"",
     "Secret with the password of that key."},
    {"nbd_tls", Tls(&QemuConfig::nbd_tls, &TlsSettings::enabled), "1",
     "Use TLS towards NBD disks."},
    {"nbd_tls_x509_cert_dir", Tls(&QemuConfig::nbd_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-nbd\"",
     "Client certificates for NBD disks."},
    {"nbd_tls_x509_secret_uuid", Tls(&QemuConfig::nbd_tls, &TlsSettings::secret_uuid), "\"00000000-0000-0000-0000-000000000000\"",
     "Secret with the password of that key."},
    {"migrate_tls_x509_cert_dir", Tls(&QemuConfig::migrate_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-migrate\"",
     "Certificates for migration."},
    {"migrate_tls_x509_verify", Tls(&QemuConfig::migrate_tls, &TlsSettings::verify), "1",
     "Whether the peer of a migration must show a certificate."},
    {"migrate_tls_x509_secret_uuid", Tls(&QemuConfig::migrate_tls, &TlsSettings::secret_uuid), "\"00000000-0000-0000-0000-000000000000\"",
     "Secret with the password of that key."},
    {"migrate_tls_force", &QemuConfig::migrate_tls_force, "0",
     "Refuse migrations that do not ask for TLS."},
    {"backup_tls_x509_cert_dir", Tls(&QemuConfig::backup_tls, &TlsSettings::cert_dir), "\"/etc/pki/libvirt-backup\"",
     "Certificates of the NBD server of pull-mode backups."},
    {"backup_tls_x509_verify", Tls(&QemuConfig::backup_tls, &TlsSettings::verify), "1",
     "Whether clients of that server must show a certificate."},
    {"backup_tls_x509_secret_uuid", Tls(&QemuConfig::backup_tls, &TlsSettings::secret_uuid), "\"00000000-0000-0000-0000-000000000000\"",
     "Secret with the password of that key."},
    {"nographics_allow_host_audio", &QemuConfig::nographics_allow_host_audio, "1",
     "Let guests without graphics use the host's sound."},
    {"remote_display_port_min", &QemuConfig::remote_display_port_min, "5900",
     "First port given to VNC and SPICE displays; 5900 or more."},
    {"remote_display_port_max", &QemuConfig::remote_display_port_max, "65535",
     "Last such port."},
    {"remote_websocket_port_min", &QemuConfig::remote_websocket_port_min, "5700",
     "First port given to VNC web sockets; 5700 or more."},
    {"remote_websocket_port_max", &QemuConfig::remote_websocket_port_max, "65535",
     "Last such port."},
    {"security_driver", &QemuConfig::security_driver, "\"selinux\"",
     "Security drivers, as one name or a list: selinux, apparmor, or none alone. File ownership (dac) is always "
     "on."},
    {"security_default_confined", &QemuConfig::security_default_confined, "1",
     "Whether guests are confined when their XML does not say."},
    {"security_require_confined", &QemuConfig::security_require_confined, "1",
     "Refuse guests that are not confined."},
    {"user", &QemuConfig::user, "\"libvirt-qemu\"",
     "User that QEMU runs as: a name or \"+UID\"."},
    {"group", &QemuConfig::group, "\"libvirt-qemu\"",
     "Group that QEMU runs as."},
    {"dynamic_ownership", &QemuConfig::dynamic_ownership, "1",
     "Give the files of a guest to that user while it runs."},
    {"remember_owner", &QemuConfig::remember_owner, "1",
     "Keep the former owner in extended attributes and give files back to it."},
    {"cgroup_controllers", &QemuConfig::cgroup_controllers, "[ \"cpu\", \"devices\", \"memory\", \"blkio\", \"cpuset\", \"cpuacct\" ]",
     "Controllers to use, of those that are mounted."},
    {"cgroup_device_acl", &QemuConfig::cgroup_device_acl, "[ \"/dev/null\", \"/dev/full\", \"/dev/zero\", \"/dev/random\", \"/dev/urandom\", \"/dev/ptmx\", \"/dev/kvm\" ]",
     "Device nodes that every guest may open."},
    {"save_image_format", &QemuConfig::save_image_format, "\"raw\"",
     "Format of save images: raw, gzip, bzip2, xz, lzop, zstd."},
    {"dump_image_format", &QemuConfig::dump_image_format, "\"raw\"",
     "Format of crash dumps; the same names."},
    {"snapshot_image_format", &QemuConfig::snapshot_image_format, "\"raw\"",
     "Format of memory snapshots; the same names."},
    {"auto_dump_path", &QemuConfig::auto_dump_path, "\"/var/lib/libvirt/qemu/dump\"",
     "Where dumps of crashed guests go."},
    {"auto_dump_bypass_cache", &QemuConfig::auto_dump_bypass_cache, "0",
     "Write those past the page cache."},
    {"auto_start_bypass_cache", &QemuConfig::auto_start_bypass_cache, "0",
     "Read managed save images past the page cache when guests start with the host."},
    {"hugetlbfs_mount", &QemuConfig::hugetlbfs_mount, "\"/dev/hugepages\"",
     "Mount points of hugetlbfs, one or a list; an empty string turns huge pages off. Without it they are found in "
     "/proc/mounts."},
    {"bridge_helper", &QemuConfig::bridge_helper, "\"/usr/lib/qemu/qemu-bridge-helper\"",
     "Program that makes tap devices for session guests."},
    {"set_process_name", &QemuConfig::set_process_name, "1",
     "Name the QEMU process after its guest."},
    {"max_processes", &QemuConfig::max_processes, "0",
     "Limit on processes and threads of the QEMU user; 0 leaves it."},
    {"max_files", &QemuConfig::max_files, "0",
     "Limit on open files of a QEMU process; 0 leaves it."},
    {"max_threads_per_process", &QemuConfig::max_threads_per_process, "0",
     "Threads that one QEMU may have, for the cgroup limit; 0 is the system's default."},
    {"max_core", &QemuConfig::max_core, "\"unlimited\"",
     "Limit on core dumps of QEMU: bytes, or \"unlimited\". Without it there are none."},
    {"dump_guest_core", &QemuConfig::dump_guest_core, "1",
     "Whether core dumps contain the guest's memory."},
    {"mac_filter", &QemuConfig::mac_filter, "1",
     "Let only frames with the guest's MAC address out of its tap device."},
    {"relaxed_acs_check", &QemuConfig::relaxed_acs_check, "1",
     "Assign PCI devices behind switches without ACS."},
    {"lock_manager", &QemuConfig::lock_manager, "\"lockd\"",
     "Lock manager for disks: lockd or sanlock."},
    {"max_queued", &QemuConfig::max_queued, "0",
     "Calls that may wait for one guest; 0 is no limit."},
    {"keepalive_interval", &QemuConfig::keepalive_interval, "5",
     "Seconds of silence before a peer of a migration is asked for a sign of life; -1 never."},
    {"keepalive_count", &QemuConfig::keepalive_count, "5",
     "Unanswered questions before it counts as gone."},
    {"seccomp_sandbox", &QemuConfig::seccomp_sandbox, "1",
     "Whether QEMU filters its own system calls."},
    {"migration_address", &QemuConfig::migration_address, "\"0.0.0.0\"",
     "Address that incoming migrations listen on."},
    {"migration_host", &QemuConfig::migration_host, "\"host.example.com\"",
     "Name or address under which this host is reached for migration."},
    {"migration_port_min", &QemuConfig::migration_port_min, "49152",
     "First port for incoming migrations."},
    {"migration_port_max", &QemuConfig::migration_port_max, "49215",
     "Last such port."},
    {"log_timestamp", &QemuConfig::log_timestamp, "0",
     "Whether QEMU puts the time before its messages."},
    {"nvram", &QemuConfig::nvram, "[ \"/usr/share/OVMF/OVMF_CODE.fd:/usr/share/OVMF/OVMF_VARS.fd\" ]",
     "UEFI firmware and the template for its variables, \"CODE:VARS\"."},
    {"stdio_handler", &QemuConfig::stdio_handler, "\"logd\"",
     "Who writes output of QEMU to its log: logd (virtlogd, with rotation) or file."},
    {"gluster_debug_level", &QemuConfig::gluster_debug_level, "9",
     "Verbosity of QEMU's gluster driver, 0 to 9."},
    {"virtiofsd_debug", &QemuConfig::virtiofsd_debug, "1",
     "Let virtiofsd log debug messages."},
    {"namespaces", &QemuConfig::namespaces, "[ \"mount\" ]",
     "Namespaces that QEMU gets of its own; an empty list for none."},
    {"memory_backing_dir", &QemuConfig::memory_backing_dir, "\"/var/lib/libvirt/qemu/ram\"",
     "Directory of files behind guest memory."},
    {"pr_helper", &QemuConfig::pr_helper, "\"/usr/bin/qemu-pr-helper\"",
     "Program for persistent reservations."},
    {"slirp_helper", &QemuConfig::slirp_helper, "\"/usr/bin/slirp-helper\"",
     "Program for user networking outside QEMU."},
    {"dbus_daemon", &QemuConfig::dbus_daemon, "\"/usr/bin/dbus-daemon\"",
     "Program for the per-guest message bus."},
    {"swtpm_user", &QemuConfig::swtpm_user, "\"tss\"",
     "User that TPM emulators run as."},
    {"swtpm_group", &QemuConfig::swtpm_group, "\"tss\"",
     "Group that TPM emulators run as."},
    {"capability_filters", &QemuConfig::capability_filters, "[ \"capname\" ]",
     "QEMU capabilities to pretend away, for debugging."},
    {"deprecation_behavior", &QemuConfig::deprecation_behavior, "\"none\"",
     "What guests do on deprecated QEMU commands: none, omit, reject, crash."},
    {"sched_core", &QemuConfig::sched_core, "\"none\"",
     "Core scheduling: none, vcpus, emulator, full."},
};

[[noreturn]] void WrongType(const Row& row, const std::string& filename, int line, const char* wanted) {
  throw Error(ErrorDomain::kConf, ErrorCode::kInternalError,
              fmt::format("{}:{}: expected {} for '{}' parameter", filename, line, wanted, row.name));
}

// Puts one value in its place, or throws what its type should have been.
class Setter {
 public:
  Setter(const Row& row, const ConfEntry& entry, const std::string& filename, QemuConfig& config)
      : row_(row), entry_(entry), filename_(filename), config_(config) {}

  void operator()(bool QemuConfig::*field) { config_.*field = Bool(); }
  void operator()(std::optional<bool> QemuConfig::*field) { config_.*field = Bool(); }
  void operator()(std::int32_t QemuConfig::*field) {
    config_.*field = static_cast<std::int32_t>(
        Integer(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  }
  void operator()(std::uint32_t QemuConfig::*field) {
    config_.*field = static_cast<std::uint32_t>(Integer(0, std::numeric_limits<std::uint32_t>::max()));
  }
  void operator()(std::string QemuConfig::*field) { config_.*field = Text(); }
  void operator()(std::optional<std::string> QemuConfig::*field) { config_.*field = Text(); }
  void operator()(std::vector<std::string> QemuConfig::*field) {
    if (auto* list = std::get_if<std::vector<std::string>>(&entry_.value)) {
      config_.*field = *list;
    } else if (auto* one = std::get_if<std::string>(&entry_.value)) {
      config_.*field = {*one};
    } else {
      WrongType(row_, filename_, entry_.line, "a string or string list");
    }
    if (field == &QemuConfig::namespaces) config_.namespaces_set = true;
  }
  void operator()(TlsField<bool> field) { field.In(config_) = Bool(); }
  void operator()(TlsField<std::optional<bool>> field) { field.In(config_) = Bool(); }
  void operator()(TlsField<std::string> field) { field.In(config_) = Text(); }

 private:
  std::int64_t Integer(std::int64_t min, std::int64_t max) {
    // max_core takes a number or a word, so text fields accept numbers; the reverse never holds.
    auto* value = std::get_if<std::int64_t>(&entry_.value);
    if (!value) WrongType(row_, filename_, entry_.line, "a signed integer");
    if (*value < min || *value > max)
      throw Error(ErrorDomain::kConf, ErrorCode::kInternalError,
                  fmt::format("{}:{}: value for '{}' parameter must be in range {}:{}", filename_, entry_.line,
                              row_.name, min, max));
    return *value;
  }
  bool Bool() {
    auto* value = std::get_if<std::int64_t>(&entry_.value);
    if (!value || *value < 0 || *value > 1) WrongType(row_, filename_, entry_.line, "0 or 1");
    return *value == 1;
  }
  std::string Text() {
    if (auto* number = std::get_if<std::int64_t>(&entry_.value); number && row_.name == std::string_view("max_core"))
      return std::to_string(*number);
    auto* value = std::get_if<std::string>(&entry_.value);
    if (!value) WrongType(row_, filename_, entry_.line, "a string");
    return *value;
  }

  const Row& row_;
  const ConfEntry& entry_;
  const std::string& filename_;
  QemuConfig& config_;
};

}  // namespace

void ApplyConfigRows(const std::vector<ConfEntry>& entries, const std::string& filename, QemuConfig& config) {
  for (auto& entry : entries) {
    for (auto& row : kRows) {
      if (entry.key == row.name) {
        std::visit(Setter(row, entry, filename, config), row.place);
        break;
      }
    }
  }
}

void AppendConfigKey(std::string& out, const char* name, const char* sample, std::string_view help) {
  constexpr std::size_t kWidth = 76;
  out += '\n';
  while (!help.empty()) {
    auto end = help.size();
    if (end > kWidth) {
      end = help.rfind(' ', kWidth);
      if (end == std::string_view::npos) end = help.size();
    }
    out.append("# ").append(help.substr(0, end)).append("\n");
    help.remove_prefix(end);
    while (!help.empty() && help.front() == ' ') help.remove_prefix(1);
  }
  out.append("#").append(name).append(" = ").append(sample).append("\n");
}

std::string QemuConfigTemplate() {
  std::string out =
      "# Settings of the QEMU driver. Every key may be left out; what stands here, commented\n"
      "# out, are examples. Changes take effect when the daemon starts.\n";
  for (auto& row : kRows) AppendConfigKey(out, row.name, row.sample, row.help);
  return out;
}

}  // namespace bv
