#pragma once

#include "base/xml.h"
#include "qemu/capabilities.h"

namespace bv::qemu {

// <cpu> of domain capabilities: the modes, the CPU that host-model stands for, and the models that
// guests can name, with what QEMU says about them.
void WriteCpuCapabilities(xml::Writer& writer, const QemuCaps& caps, Accelerator accelerator);

}  // namespace bv::qemu
