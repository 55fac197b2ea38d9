#pragma once

#include <vector>

#include "qemu/guest.h"
#include "rpc/typed_param.h"

namespace bv::qemu {

// A finished long job as the typed parameters of DOMAIN_GET_JOB_STATS and the job-completed event
// (VIR_DOMAIN_JOB_*).
std::vector<TypedParam> JobParams(const CompletedJob& job);

}  // namespace bv::qemu
