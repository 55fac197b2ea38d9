#pragma once

#include <string_view>

#include "model/cpu.h"

// ARM: models and features are the emulator's business; libvirt knows names, to describe a host.
namespace bv::cpu::arm {

// Implementer and part number as the main ID register has them; "" when they are not known.
std::string_view VendorName(unsigned implementer);
std::string_view ModelName(unsigned implementer, unsigned part);
std::string_view VendorOfModel(std::string_view model);

bool KnowsFeature(std::string_view name);

}  // namespace bv::cpu::arm
