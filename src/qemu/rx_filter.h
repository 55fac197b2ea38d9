#pragma once

#include <memory>
#include <string>

#include "base/task.h"

namespace bv::qemu {

class Domain;

// What a guest's card lets in, where its definition trusts it to say so (trustGuestRxFilters): the macvtap behind it lets in the
// same. Address, multicast addresses, and whether it lets in everything.

// One card's, after QEMU has told that it changed; waits for its turn with the domain. What fails is logged.
Task<> FollowRxFilter(std::shared_ptr<Domain> domain, std::string alias);
// All of a guest that starts or is found again, whose turn the caller has.
Task<> FollowRxFilters(std::shared_ptr<Domain> domain);

}  // namespace bv::qemu
