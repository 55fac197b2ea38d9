#pragma once

#include "qemu/command_line/build.h"

namespace bv::qemu {

// Settles what a definition leaves open and every start decides anew: the CPU that host-model stands
// for, firmware, ports and sockets of displays, sockets of channels, render nodes, and the ids of
// images. After it the definition is what status files and live XML show.
//
// `def` has gone through PostParse and has its aliases. Throws what libvirt answers where the host
// lacks what is asked for.
void Prepare(model::DomainDef* def, const QemuCaps& caps, const QemuConfig& config, const BuildOptions& options);

// For a line that is only looked at, libvirt makes every interface a plain tap with the card it had.
// Addresses and aliases of the interfaces are to be assigned again afterwards.
void MakeInterfacesGeneric(model::DomainDef* def, const BuildOptions& options);

}  // namespace bv::qemu
