#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Gives every USB device its bus and port as libvirt does, adding hubs to a new domain that has more
// devices than ports. Throws kXmlError or kInternalError (domain kDomain) for places that are not there.
void AssignUsbAddresses(model::DomainDef& def, bool new_domain);

}  // namespace bv::qemu
