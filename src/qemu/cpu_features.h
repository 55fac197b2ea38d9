#pragma once

#include <string_view>

// libvirt and QEMU spell some CPU features differently.
namespace bv::qemu {

// For -cpu. Names without an entry are the same on both sides.
std::string_view FeatureToQemu(std::string_view arch, std::string_view name);
// For what QEMU reports.
std::string_view FeatureFromQemu(std::string_view arch, std::string_view name);

// False for features that QEMU never had or that do nothing there: they are left out of -cpu and of
// what describes QEMU's CPUs.
bool QemuKnowsFeature(std::string_view arch, std::string_view name);

}  // namespace bv::qemu
