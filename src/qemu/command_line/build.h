#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "qemu/command_line/arguments.h"
#include "qemu/command_line/host_queries.h"
#include "qemu/command_line/secret_object.h"

namespace bv::model {
struct CpuDef;
struct DomainDef;
struct StorageSource;
struct Sysinfo;
}

namespace bv {
struct QemuConfig;
}

namespace bv::qemu {

class QemuCaps;

// Which secret a device names: by UUID or by usage.
struct SecretLookup {
  std::string uuid;        // empty: by usage
  std::string usage_type;  // "ceph", "iscsi", "volume", "tls", "vtpm"
  std::string usage;
  auto operator<=>(const SecretLookup&) const = default;
};

// Numbers of descriptors that QEMU inherits for one device; -1 is none.
struct DeviceFds {
  int socket = -1;  // listening, for a character device of type unix
  int file = -1;    // what a character device writes to
  int log = -1;     // its log
  std::vector<int> tap, vhost;  // one for each queue of an interface
  int vhost_device = -1;        // /dev/vhost-vsock, /dev/vhost-scsi, a vDPA device
};

// How a command line is built. Everything that it needs of the outside comes in here, so that a
// build has no side effects and the same definition gives the same words.
struct BuildOptions {
  // For domxml-to-native: nothing is opened, network back ends are placeholders, sockets are named
  // by path. Otherwise the caller passes descriptors for what QEMU shall inherit.
  bool standalone = false;

  const HostQueries* host = nullptr;               // null: this machine
  const model::CpuDef* host_cpu = nullptr;         // cpu::DetectHostCpu(); null: its clock is not checked
  const model::Sysinfo* host_sysinfo = nullptr;    // for <smbios mode='host'/>; null: not known
  MasterKey master_key{};
  // Where memory may lie when <numatune> leaves that to numad; unset: nobody was asked.
  std::optional<Bitmap> numad_nodes;
  // The value of a secret; throws libvirt's error when there is none.
  std::function<std::string(const SecretLookup&)> secret_value;
  // The address of a virtual network on this host, for displays that listen there.
  std::function<std::string(const std::string& network)> network_address;
  // Turns a source of type 'volume' into what it stands for. Unset: no pool is known.
  std::function<void(model::StorageSource&)> translate_volume;

  // Live starts: what QEMU shall inherit, by the alias of the device ("net0", "serial0"; "monitor"
  // for the monitor). Who opened the descriptors keeps them until QEMU runs.
  std::map<std::string, DeviceFds, std::less<>> fds;
  std::string incoming_uri;
  std::string load_snapshot;
};

// The words that start `def` on the emulator of `caps`. The definition must have gone through
// PostParse and Prepare (prepare.h). Throws what libvirt answers for a definition that this QEMU
// cannot run, kConfigUnsupported of kQemu mostly.
CommandLine BuildCommandLine(const model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config,
                             const BuildOptions& options);

}  // namespace bv::qemu
