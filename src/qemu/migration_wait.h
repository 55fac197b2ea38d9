#pragma once

#include "base/task.h"
#include "qemu/domain.h"
#include "qemu/monitor.h"

namespace bv::qemu {

// A guest's state into or out of a file, as QEMU's migration to a descriptor. Both wait until QEMU
// says that it is through; failures throw kOperationFailed with QEMU's reason, the guest's end
// kOperationFailed too.
Task<> MigrateToFd(std::shared_ptr<Domain> domain, Monitor& monitor, int fd);
Task<> MigrateFromFd(std::shared_ptr<Domain> domain, Monitor& monitor, int fd);

}  // namespace bv::qemu
