#pragma once

#include <string>
#include <string_view>

namespace bv {

// qemu-lockd.conf: how lock_manager = "lockd" locks what guests use. A lockspace is a directory of lease
// files; without one for its kind, a disk's own file is locked.
struct LockdConfig {
  bool auto_disk_leases = true;          // each disk is locked; else only the <lease>s of the definition
  bool require_lease_for_disks = false;  // a guest with exclusive disks needs a <lease> then
  std::string file_lockspace_dir, lvm_lockspace_dir, scsi_lockspace_dir;
};

// The defaults, then what `text` says; keys it does not know are ignored. Throws kConfSyntax for what does
// not parse and kInternalError for a value of the wrong type.
LockdConfig ReadLockdConfig(std::string_view text, const std::string& filename);

// The commented template that is installed as qemu-lockd.conf.
std::string LockdConfigTemplate();

}  // namespace bv
