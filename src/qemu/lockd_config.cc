#include "qemu/lockd_config.h"

#include <fmt/core.h>

#include <optional>
#include <variant>

#include "base/conf.h"
#include "base/error.h"
#include "qemu/config_rows.h"

namespace bv {
namespace {

struct Row {
  const char* name;
  std::variant<bool LockdConfig::*, std::string LockdConfig::*> place;
  const char* sample;
  const char* help;
};

constexpr Row kRows[] = {
    {"auto_disk_leases", &LockdConfig::auto_disk_leases, "0",
     "Whether each disk of a guest is locked while it runs. With 0, only what the <lease> elements of its "
     "definition name."},
    {"require_lease_for_disks", &LockdConfig::require_lease_for_disks, "1",
     "Whether a guest that writes to disks which it does not share must have a <lease>. Where this is not set: "
     "when auto_disk_leases is 0."},
    {"file_lockspace_dir", &LockdConfig::file_lockspace_dir, "\"/var/lib/libvirt/lockd/files\"",
     "Directory for lease files that stand for disks, named by the SHA-256 sum of a disk's path, instead of "
     "locks on the disks themselves. For block devices, whose locks other hosts do not see, and file systems "
     "without locks; it should be on a file system that all hosts share."},
    {"lvm_lockspace_dir", &LockdConfig::lvm_lockspace_dir, "\"/var/lib/libvirt/lockd/lvmvolumes\"",
     "The same for LVM volumes, named by their UUIDs, as hosts may have different paths for one volume."},
    {"scsi_lockspace_dir", &LockdConfig::scsi_lockspace_dir, "\"/var/lib/libvirt/lockd/scsivolumes\"",
     "The same for SCSI disks, named by their unit serial numbers."},
};

[[noreturn]] void Refuse(const std::string& what) { throw Error(ErrorDomain::kConf, ErrorCode::kInternalError, what); }

}  // namespace

LockdConfig ReadLockdConfig(std::string_view text, const std::string& filename) {
  LockdConfig config;
  bool require_given = false;
  for (auto& entry : ParseConf(text, filename)) {
    for (auto& row : kRows) {
      if (entry.key != row.name) continue;
      if (auto* flag = std::get_if<bool LockdConfig::*>(&row.place)) {
        auto* value = std::get_if<std::int64_t>(&entry.value);
        if (!value) Refuse(fmt::format("{}: expected a bool for '{}' parameter", filename, row.name));
        if (*value < 0 || *value > 1) Refuse(fmt::format("{}: value for '{}' parameter must be 0 or 1", filename, row.name));
        config.**flag = *value == 1;
        require_given |= *flag == &LockdConfig::require_lease_for_disks;
      } else {
        auto* value = std::get_if<std::string>(&entry.value);
        if (!value) Refuse(fmt::format("{}: expected a string for '{}' parameter", filename, row.name));
        config.*std::get<std::string LockdConfig::*>(row.place) = *value;
      }
    }
  }
  if (!require_given) config.require_lease_for_disks = !config.auto_disk_leases;
  return config;
}

std::string LockdConfigTemplate() {
  std::string out =
      "# How virtlockd locks the disks of QEMU guests, where qemu.conf has lock_manager = \"lockd\".\n"
      "# What stands here, commented out, are examples. Changes take effect when the daemon starts.\n";
  for (auto& row : kRows) AppendConfigKey(out, row.name, row.sample, row.help);
  return out;
}

}  // namespace bv
