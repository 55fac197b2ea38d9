#pragma once

#include "model/domain/domain.h"
#include "qemu/command_line/build.h"

namespace bv::qemu {

// domxml-to-native: makes `def`, which has gone through PostParse and validation, ready for BuildCommandLine() of the
// line that would start it. Nothing on the host is changed or opened: interfaces become placeholders, sockets are
// named by path. Throws what starting it would throw at this point.
void PrepareNative(model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config, BuildOptions& options);

}  // namespace bv::qemu
