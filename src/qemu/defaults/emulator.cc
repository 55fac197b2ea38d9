#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "qemu/defaults/defaults.h"

namespace bv::qemu {

namespace {

std::string HostArch() {
  utsname host;
  uname(&host);
  std::string arch = host.machine;
  return arch == "i386" || arch == "i586" ? "i686" : arch;
}

std::string FindInPath(const std::string& name) {
  const char* path = getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    auto end = std::min(rest.find(':'), rest.size());
    std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

// How QEMU's binaries spell an architecture.
std::string_view BinaryArch(std::string_view arch) {
  if (arch == "i686") return "i386";
  if (arch == "armv6l" || arch == "armv7l") return "arm";
  if (arch == "or32") return "or1k";
  return arch;
}

}  // namespace

void ResolveEmulator(model::DomainDef& def) {
  std::string host = HostArch();
  if (def.os.arch.empty()) def.os.arch = host;
  if (!def.emulator.empty()) return;
  def.emulator = FindInPath("qemu-system-" + std::string(BinaryArch(def.os.arch)));
  bool native = def.os.arch == host || (def.os.arch == "i686" && host == "x86_64");
  if (def.emulator.empty() && native) def.emulator = FindInPath("qemu-kvm");
  if (def.emulator.empty()) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "No emulator found for arch '" + def.os.arch + "'");
  }
}

}  // namespace bv::qemu
