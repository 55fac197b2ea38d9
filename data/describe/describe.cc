// Writes the files that follow from the personality table: `describe list`, `describe config NAME`,
// `describe man NAME`, `describe unit NAME TEMPLATE SBINDIR SYSCONFDIR RUNSTATEDIR`, `describe policy`, `describe busyvirt-man`, and for
// libvirt-guests `describe guests-settings`, `guests-man` and `guests-unit TEMPLATE SBINDIR SYSCONFDIR RUNSTATEDIR`; those
// of drivers: `describe driver-config qemu`, `describe driver-config qemu-lockd`.

#include "describe.h"

#include <fmt/core.h>

#include <cstring>

#include "base/files.h"
#include "libvirt_guests/settings.h"
#include "daemon/config_rows.h"
#include "qemu/config.h"
#include "qemu/lockd_config.h"

namespace bv {

namespace {

// Name, and what decides which units it has: "tcp" and "ro" where it has those sockets.
void PrintList() {
  for (const Personality& personality : Personalities()) {
    fmt::print("{}{}{}\n", personality.name, personality.ServesRemote() ? " ro" : "", personality.HasTcp() ? " tcp" : "");
  }
}

int Describe(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "";
  if (what == "list") return PrintList(), 0;
  if (what == "busyvirt-man") return fmt::print("{}", BusyvirtManPage()), 0;
  if (what == "guests-settings") return fmt::print("{}", GuestsSettingsTemplate()), 0;
  if (what == "guests-man") return fmt::print("{}", GuestsManPage()), 0;
  if (what == "guests-unit" && argc == 6) {
    return fmt::print("{}", GuestsUnit(ReadFile(argv[2]), {argv[3], argv[4], argv[5]})), 0;
  }
  if (what == "policy") return fmt::print("{}", ApiPolicy()), 0;
  std::string which = argc > 2 ? argv[2] : "";
  if (what == "driver-config" && which == "qemu") return fmt::print("{}", QemuConfigTemplate()), 0;
  if (what == "driver-config" && which == "qemu-lockd") return fmt::print("{}", LockdConfigTemplate()), 0;
  const Personality* personality = argc > 2 ? FindPersonality(argv[2]) : nullptr;
  if (!personality) return fmt::print(stderr, "describe: what?\n"), 1;
  if (what == "config") return fmt::print("{}", ConfigTemplate(*personality)), 0;
  if (what == "man") return fmt::print("{}", ManPage(*personality)), 0;
  if (what == "unit" && argc == 7) {
    return fmt::print("{}", Unit(*personality, ReadFile(argv[3]), {argv[4], argv[5], argv[6]})), 0;
  }
  return fmt::print(stderr, "describe: what?\n"), 1;
}

}  // namespace

}  // namespace bv

int main(int argc, char** argv) { return bv::Describe(argc, argv); }
