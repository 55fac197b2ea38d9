#include "base/arch.h"

namespace bv {
namespace {

constexpr Arch kArchs[] = {
    {"alpha", 64, false},   {"armv6l", 32, false},     {"armv7l", 32, false},       {"armv7b", 32, true},
    {"aarch64", 64, false}, {"cris", 32, false},       {"i686", 32, false},         {"ia64", 64, false},
    {"lm32", 32, true},     {"m68k", 32, true},        {"microblaze", 32, true},    {"microblazeel", 32, false},
    {"mips", 32, true},     {"mipsel", 32, false},     {"mips64", 64, true},        {"mips64el", 64, false},
    {"openrisc", 32, true}, {"parisc", 32, true},      {"parisc64", 64, true},      {"ppc", 32, true},
    {"ppc64", 64, true},    {"ppc64le", 64, false},    {"ppcemb", 32, true},        {"riscv32", 32, false},
    {"riscv64", 64, false}, {"s390", 32, true},        {"s390x", 64, true},         {"sh4", 32, false},
    {"sh4eb", 32, true},    {"sparc", 32, true},       {"sparc64", 64, true},       {"unicore32", 32, false},
    {"x86_64", 64, false},  {"xtensa", 32, false},     {"xtensaeb", 32, true},
};

}  // namespace

std::span<const Arch> Archs() { return kArchs; }

const Arch* FindArch(std::string_view name) {
  for (const Arch& arch : kArchs)
    if (arch.name == name) return &arch;
  return nullptr;
}

}  // namespace bv
