#pragma once

#include <string_view>

#include "model/cpu.h"

// libvirt and QEMU spell some CPU features differently.
namespace bv::qemu {

// For -cpu. Names without an entry are the same on both sides.
std::string_view FeatureToQemu(std::string_view arch, std::string_view name);
// For what QEMU reports.
std::string_view FeatureFromQemu(std::string_view arch, std::string_view name);

// False for features that are left out of -cpu and of what describes QEMU's CPUs: QEMU never had them, or
// they do nothing there, or (when they are not wanted anyway) it has dropped them.
bool QemuTakesFeature(std::string_view arch, const model::CpuFeature& feature);

}  // namespace bv::qemu
