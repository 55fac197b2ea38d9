#pragma once

#include <memory>
#include <vector>

#include "qemu/domain.h"
#include "rpc/service.h"

namespace bv::qemu {

class Guests;

// `domain` ends when the client goes that started it (VIR_DOMAIN_START_AUTODESTROY).
void Autodestroy(rpc::ClientSession& client, Guests* guests, const std::shared_ptr<Domain>& domain);
// Those that would end with this client now.
std::vector<std::shared_ptr<Domain>> AutodestroyedBy(rpc::ClientSession& client);

}  // namespace bv::qemu
