#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "base/uuid.h"
#include "model/domain/domain.h"

namespace bv::qemu {

// The interfaces on the host's side whose packets are filtered.
std::vector<std::string> FilteredInterfaces(const model::DomainDef& def);

// Puts the interface's filter in force, if it has one; its name on the host must be known. Throws what the
// driver of network filters answers.
Task<> BindFilter(std::string domain, Uuid domain_uuid, const model::Interface& net);
// Lifts them. What cannot be lifted is logged.
Task<> UnbindFilters(std::vector<std::string> interfaces);

}  // namespace bv::qemu
