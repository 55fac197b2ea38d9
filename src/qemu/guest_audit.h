#pragma once

#include <string>
#include <vector>

#include "qemu/config.h"
#include "qemu/domain.h"

namespace bv::qemu {

// Audit records (daemon/audit.h) about guests, in libvirt's words, which others search for.

// That the guest's process and files are those of a user.
void AuditLabel(const Domain& domain, const QemuConfig& config);
// What it has and that it starts, or did not; `detail` is the event's (started::Detail). A process that is none: 0.
void AuditStart(const Domain& domain, int detail, pid_t process, bool success);
// `reason` is why it is shut off.
void AuditStop(const Domain& domain, int reason);

// What a guest is given at its start: devices, memory, processors.
struct AuditedResource {
  std::string kind, change;
};
std::vector<AuditedResource> ResourcesOf(const model::DomainDef& def);

}  // namespace bv::qemu
