#include "qemu/resource_control.h"

#include "base/error.h"
#include "base/wait.h"
#include "host/kernel_files.h"
#include "model/domain/domain.h"

namespace bv::qemu {

Task<> CheckResourceControl(const model::DomainDef& def) {
  if (def.cputune.cachetunes.empty() && def.cputune.memorytunes.empty()) co_return;
  // Mounted, it has the groups that there are.
  auto look = [] { return host::KernelFiles().Exists("/sys/fs/resctrl/schemata"); };
  if (!co_await Offload(look))
    throw Error(ErrorDomain::kResctrl, ErrorCode::kConfigUnsupported, "Resource control is not supported on this host");
  throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "cachetune and memorytune are not supported yet");
}

}  // namespace bv::qemu
