#pragma once

#include "model/domain/domain.h"
#include "qemu/capabilities.h"
#include "qemu/config.h"

namespace bv::qemu {

// What the QEMU driver adds to a definition between reading it and using it. The choices are guest ABI
// and visible to clients: they are libvirt's. Order of use: ResolveEmulator, then the capabilities of
// def.emulator, then PostParse, then ValidateDomain (validate.h). Errors are libvirt's.

// Fills the architecture (the host's) and the emulator from what is installed.
// kInternalError (domain kQemu) when there is no emulator for the architecture.
void ResolveEmulator(model::DomainDef& def);

struct PostParseOptions {
  bool new_domain = true;  // made now, not read back from our own files
};
void PostParse(model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config, PostParseOptions options = {});

// Aliases of all devices that have none ("virtio-disk0", "net1"): given when a guest starts.
void AssignAliases(model::DomainDef& def);

}  // namespace bv::qemu
