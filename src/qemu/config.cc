#include "qemu/config.h"

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/conf.h"
#include "base/error.h"
#include "qemu/config_rows.h"

namespace bv {
namespace {

[[noreturn]] void Refuse(const std::string& what) {
  throw Error(ErrorDomain::kConf, ErrorCode::kInternalError, what);
}

// Accepts what chown(1) does: a name, "+number", or a number that is nobody's name.
template <typename Lookup>
unsigned ResolveId(const std::string& text, const char* kind, Lookup lookup) {
  if (text.empty() || text[0] != '+') {
    if (auto id = lookup(text.c_str())) return *id;
  }
  const char* begin = text.data() + (!text.empty() && text[0] == '+');
  const char* end = text.data() + text.size();
  unsigned id = 0;
  auto [rest, failed] = std::from_chars(begin, end, id);
  if (failed != std::errc() || rest != end || begin == end) Refuse(fmt::format("invalid {}: {}", kind, text));
  return id;
}

uid_t ResolveUser(const std::string& name) {
  return ResolveId(name, "user", [](const char* text) -> std::optional<unsigned> {
    auto* entry = getpwnam(text);
    return entry ? std::optional<unsigned>(entry->pw_uid) : std::nullopt;
  });
}

gid_t ResolveGroup(const std::string& name) {
  return ResolveId(name, "group", [](const char* text) -> std::optional<unsigned> {
    auto* entry = getgrnam(text);
    return entry ? std::optional<unsigned>(entry->gr_gid) : std::nullopt;
  });
}

// What the user is a member of, be it by /etc/passwd alone (Debian's libvirt-qemu is in kvm that way), and
// the group that was configured.
std::vector<gid_t> GroupsOf(uid_t uid, gid_t gid) {
  auto* entry = getpwuid(uid);
  if (!entry) return {gid};
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  if (getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count);
  }
  groups.resize(static_cast<std::size_t>(count));
  if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
  return groups;
}

template <typename Limits>
void CheckPortRange(const char* name, Limits min, Limits max, Limits lowest) {
  if (min < lowest) Refuse(fmt::format("{}_min: port must be greater than or equal to {}", name, lowest));
  if (max > 65535 || max < min) Refuse(fmt::format("{}_max: port must be between {}_min and 65535", name, name));
}

void Check(const QemuConfig& config) {
  CheckPortRange("remote_display_port", config.remote_display_port_min, config.remote_display_port_max, 5900u);
  CheckPortRange("remote_websocket_port", config.remote_websocket_port_min, config.remote_websocket_port_max, 5700u);
  CheckPortRange("migration_port", config.migration_port_min, config.migration_port_max, 1u);
  if (config.stdio_handler != "logd" && config.stdio_handler != "file")
    Refuse(fmt::format("Unknown stdio handler {}", config.stdio_handler));
  auto& drivers = config.security_driver;
  for (auto& driver : drivers) {
    if (std::count(drivers.begin(), drivers.end(), driver) > 1)
      Refuse(fmt::format("Duplicate security driver {}", driver));
  }
  for (auto& space : config.namespaces) {
    if (space != "mount") Refuse(fmt::format("Unknown namespace: {}", space));
  }
  auto& core = config.max_core;
  if (core != "unlimited" && (core.empty() || core.find_first_not_of("0123456789") != std::string::npos))
    Refuse(fmt::format("Unknown core size '{}'", core));
}

}  // namespace

QemuDirs QemuDirs::Make(bool privileged, const std::string& config_dir, const std::string& state_dir,
                        const std::string& lib_dir, const std::string& log_dir, const std::string& cache_dir) {
  QemuDirs dirs;
  dirs.config = config_dir + "/qemu";
  dirs.autostart = dirs.config + "/autostart";
  // A session daemon keeps below its configuration directory what the system daemon has in lib.
  auto base = privileged ? lib_dir + "/qemu" : dirs.config;
  dirs.lib = privileged ? base : base + "/lib";
  dirs.state = state_dir + (privileged ? "/qemu" : "/qemu/run");
  dirs.log = log_dir + (privileged ? "/qemu" : "/qemu/log");
  dirs.cache = cache_dir + (privileged ? "/qemu" : "/qemu/cache");
  dirs.save = base + "/save";
  dirs.snapshot = base + "/snapshot";
  dirs.checkpoint = base + "/checkpoint";
  dirs.dump = base + "/dump";
  dirs.nvram = base + "/nvram";
  dirs.memory = base + "/ram";
  dirs.channel_target = base + "/channel/target";
  dirs.swtpm = privileged ? lib_dir + "/swtpm" : base + "/swtpm";
  dirs.dbus = dirs.state + "/dbus";
  dirs.slirp = dirs.state + "/slirp";
  dirs.passt = dirs.state + "/passt";
  dirs.sockets = state_dir;
  return dirs;
}

QemuConfig ReadQemuConfig(bool privileged, QemuDirs dirs, std::string_view text, const std::string& filename) {
  QemuConfig config;
  config.privileged = privileged;
  config.dirs = std::move(dirs);
  config.auto_dump_path = config.dirs.dump;
  config.memory_backing_dir = config.dirs.memory;
  if (privileged) {
    config.user = BV_QEMU_USER;
    config.group = BV_QEMU_GROUP;
  } else {
    // A user cannot give files away, and sees no other users' guests to protect against.
    config.dynamic_ownership = false;
    config.remember_owner = false;
  }
  ApplyConfigRows(ParseConf(text, filename), filename, config);
  Check(config);
  if (privileged) {
    config.uid = ResolveUser(config.user);
    config.gid = ResolveGroup(config.group);
    config.groups = GroupsOf(config.uid, config.gid);
  } else {
    config.uid = geteuid();
    config.gid = getegid();
  }
  return config;
}

}  // namespace bv
