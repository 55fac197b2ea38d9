#include "cpu/arm.h"

#include <algorithm>
#include <charconv>

namespace bv::cpu::arm {
namespace {

struct Vendor {
  unsigned implementer;
  std::string_view name;
};
constexpr Vendor kVendors[] = {
    {0x41, "ARM"},      {0x42, "Broadcom"}, {0x43, "Cavium"}, {0x44, "DigitalEquipment"}, {0x46, "Fujitsu"},
    {0x48, "HiSilicon"}, {0x49, "Infineon"}, {0x4d, "Freescale"}, {0x4e, "NVIDIA"},         {0x50, "APM"},
    {0x51, "Qualcomm"}, {0x56, "Marvell"},  {0x69, "Intel"},  {0x70, "Phytium"},
};

struct Model {
  unsigned implementer, part;
  std::string_view name;
};
constexpr Model kModels[] = {
    {0x41, 0xd03, "cortex-a53"},  {0x41, 0xd07, "cortex-a57"},  {0x41, 0xd08, "cortex-a72"},   {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd49, "Neoverse-N2"}, {0x41, 0xd40, "Neoverse-V1"}, {0x43, 0x0af, "ThunderX2 99xx"}, {0x46, 0x001, "a64fx"},
    {0x48, 0xd01, "Kunpeng-920"}, {0x51, 0xc00, "Falkor"},      {0x70, 0x662, "FT-2000+"},     {0x70, 0x663, "Tengyun-S2500"},
};

}  // namespace

std::string_view VendorName(unsigned implementer) {
  auto found = std::ranges::find(kVendors, implementer, &Vendor::implementer);
  return found == std::end(kVendors) ? std::string_view() : found->name;
}

std::string_view ModelName(unsigned implementer, unsigned part) {
  for (const Model& model : kModels)
    if (model.implementer == implementer && model.part == part) return model.name;
  return {};
}

std::string_view VendorOfModel(std::string_view name) {
  auto found = std::ranges::find(kModels, name, &Model::name);
  return found == std::end(kModels) ? std::string_view() : VendorName(found->implementer);
}

// The scalable vector extension, and its vector lengths in steps of 128 bits: sve128 ... sve2048.
bool KnowsFeature(std::string_view name) {
  if (name == "sve") return true;
  if (!name.starts_with("sve")) return false;
  name.remove_prefix(3);
  unsigned bits = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), bits);
  return error == std::errc() && end == name.data() + name.size() && name[0] != '0' && bits % 128 == 0 && bits <= 2048;
}

}  // namespace bv::cpu::arm
