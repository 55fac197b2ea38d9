#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Gives every PCI device of the guest its address, adding the bridges and ports that are missing. The
// places are guest ABI: they are the ones that libvirt chooses. Addresses that are there stay.
// `new_domain`: the definition is being made now, so that one spare port for hotplug may be added.
void AssignPciAddresses(model::DomainDef& def, bool new_domain);

}  // namespace bv::qemu
