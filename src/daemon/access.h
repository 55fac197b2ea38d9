#pragma once

#include "daemon/polkit.h"
#include "rpc/service.h"

namespace bv {

// Access control by polkit: each call needs the permissions that its declaration lists, as actions
// org.libvirt.api.OBJECT.PERMISSION with the object that the arguments name as details, and lists
// leave out what the client may not see. Root may do all.
void EnableAccessControl(Service& service);

}  // namespace bv
