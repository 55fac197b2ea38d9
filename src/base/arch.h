#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bv {

// A processor architecture by the name that libvirt's XML has for it.
struct Arch {
  std::string_view name;
  std::uint8_t word_size;  // bits
  bool big_endian;
};

// All of them, in libvirt's order.
std::span<const Arch> Archs();
// Null when libvirt 9.0 does not know the name.
const Arch* FindArch(std::string_view name);

constexpr bool IsX86(std::string_view arch) { return arch == "x86_64" || arch == "i686"; }
constexpr bool IsPpc64(std::string_view arch) { return arch == "ppc64" || arch == "ppc64le"; }
constexpr bool IsS390(std::string_view arch) { return arch == "s390x" || arch == "s390"; }
constexpr bool IsArm(std::string_view arch) {
  return arch == "aarch64" || arch == "armv7l" || arch == "armv6l" || arch == "armv7b";
}

}  // namespace bv
