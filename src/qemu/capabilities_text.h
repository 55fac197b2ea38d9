#pragma once

#include <string>
#include <string_view>

// The text that holds what a QEMU binary can do: written by the probe, kept in the cache, read by
// QemuCaps::Parse. Lines of fields between tabs, the first one a key; fields that are missing at the
// end are empty.
//
//   busyvirt-qemu-capabilities 1        the first line
//   KEY value                           single values: emulator version package arch, and what the
//                                       cache compares (capabilities_cache.cc)
//   flags NAMES                         of QemuCap, between blanks
//   types NAMES                         sorted
//   commands NAMES
//   properties TYPE NAMES
//   machine NAME MAXCPUS LETTERS ALIAS DEFAULTCPU RAMID
//                                       letters: h hot-pluggable CPUs, d deprecated, * default, n mem= in -numa
//   accelerator NAME                    kvm or tcg: the lines below were asked for with it
//   cpu ACCELERATOR NAME TYPE LETTERS BLOCKERS
//                                       letters: y usable, n not usable, d deprecated
//   host-cpu ACCELERATOR NAME KIND VALUE
//                                       kind: b bool, n number, s string; then ! if not migratable
//   hyperv NAMES
//   sev PDH CERTCHAIN CPU0ID CBITPOS REDUCEDPHYSBITS
//   end                                 the last line
namespace bv::qemu {

inline constexpr std::string_view kCapsTextHeader = "busyvirt-qemu-capabilities 1";
inline constexpr std::string_view kCapsTextEnd = "end";

// The text with more lines before its end.
inline std::string AddCapsLines(std::string text, std::string_view lines) {
  return text.insert(text.size() - kCapsTextEnd.size() - 1, lines);
}

}  // namespace bv::qemu
