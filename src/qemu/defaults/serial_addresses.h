#pragma once

#include "model/domain/domain.h"

namespace bv::qemu {

// Ports of virtio-serial controllers for consoles and channels (0 is for a console only), controllers
// added as needed. Throws kXmlError (domain kDomain) on a place that is taken or not there.
void AssignVirtioSerialAddresses(model::DomainDef& def);

// Slots of ccid controllers for smartcards.
void AssignCcidAddresses(model::DomainDef& def);

}  // namespace bv::qemu
