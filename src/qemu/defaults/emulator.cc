#include <sys/utsname.h>

#include "base/error.h"
#include "qemu/capabilities_cache.h"
#include "qemu/defaults/defaults.h"

namespace bv::qemu {

namespace {

std::string HostArch() {
  utsname host;
  uname(&host);
  std::string arch = host.machine;
  return arch == "i386" || arch == "i586" ? "i686" : arch;
}

}  // namespace

void ResolveEmulator(model::DomainDef& def) {
  if (def.os.arch.empty()) def.os.arch = HostArch();
  if (!def.emulator.empty()) return;
  auto emulator = FindEmulator(def.os.arch);
  if (!emulator) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "No emulator found for arch '" + def.os.arch + "'");
  }
  def.emulator = *emulator;
}

}  // namespace bv::qemu
