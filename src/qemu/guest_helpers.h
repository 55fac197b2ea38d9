#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/task.h"
#include "qemu/cgroup.h"
#include "qemu/config.h"

namespace bv::model {
struct DomainDef;
struct Filesystem;
}

// Programs that run beside a guest's QEMU and end with it: swtpm for an emulated TPM, virtiofsd for a directory that the guest
// shares. Their sockets and pid files are named after the guest, so that whichever daemon sees its end can end them.
namespace bv::qemu {

struct TpmEmulator {
  std::string vmid, socket, pid_file, log, store;  // store: the directory of what the TPM remembers
  bool version12 = false;
  std::string pcr_banks;
  std::string secret;        // UUID of the passphrase of what is in the store; empty: in the clear
  std::string passphrase;    // that, once it is known
  bool memory_comes = false; // with the guest's own, from a save image
};
struct FileDaemon {
  std::string alias, pid_file;
  std::vector<std::string> argv;  // without the socket
};
struct Helpers {
  std::vector<TpmEmulator> tpms;
  std::vector<FileDaemon> files;
};

// Whether virtiofsd serves it, and that is for us to run.
bool WantsFileDaemon(const model::Filesystem& fs);

// What a guest needs.
Helpers HelpersOf(const model::DomainDef& def, const QemuConfig& config, bool memory_comes);
// Runs them in the guest's group, each as the user that the configuration names. `descriptors` has what virtiofsd listens on
// and writes to, by device alias. Throws kNoSecret
// when a passphrase is missing, and kInternalError; what runs by then is for EndHelpers().
struct HelperFds {
  int socket = -1, log = -1;
};
Task<> StartHelpers(Helpers helpers, std::shared_ptr<const QemuConfig> config, Cgroup cgroup, std::map<std::string, HelperFds> descriptors);

// What is left of a guest's helpers while its definition still has its id.
struct HelperTrace {
  std::string program, pid_file, socket;
};
std::vector<HelperTrace> HelperTraces(const model::DomainDef& def, const QemuConfig& config);
// For the pool: waits for the processes.
void EndHelpers(const std::vector<HelperTrace>& traces);

// The directory that goes with a guest that is undefined with these flags (virDomainUndefineFlagsValues): what its TPM
// remembers. Empty when it has none, or that is to be kept.
std::string TpmStoreToForget(const model::DomainDef& def, const QemuConfig& config, unsigned flags);

// The log of one virtiofsd.
std::string FileDaemonLog(const model::DomainDef& def, const std::string& alias, const QemuConfig& config);

}  // namespace bv::qemu
