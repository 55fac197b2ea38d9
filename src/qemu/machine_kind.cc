#include "qemu/machine_kind.h"

#include <cstdlib>

namespace bv::qemu {

using model::DomainDef;

namespace {

// "NAME" alone or with a version: "NAME-2.4".
bool IsOrVersionOf(std::string_view machine, std::string_view name) {
  return machine.starts_with(name) && (machine.size() == name.size() || machine[name.size()] == '-');
}

}  // namespace

bool IsX86(const DomainDef& def) { return def.os.arch == "x86_64" || def.os.arch == "i686"; }
bool IsArm(const DomainDef& def) {
  return def.os.arch == "aarch64" || def.os.arch == "armv7l" || def.os.arch == "armv6l" || def.os.arch == "armv7b";
}
bool IsPpc64(const DomainDef& def) { return def.os.arch == "ppc64" || def.os.arch == "ppc64le"; }
bool IsS390(const DomainDef& def) { return def.os.arch == "s390" || def.os.arch == "s390x"; }
bool IsRiscv(const DomainDef& def) { return def.os.arch == "riscv32" || def.os.arch == "riscv64"; }

bool IsQ35(const DomainDef& def) {
  return IsX86(def) && (def.os.machine.starts_with("pc-q35") || def.os.machine == "q35");
}
bool IsI440fx(const DomainDef& def) {
  std::string_view machine = def.os.machine;
  return IsX86(def) && (machine == "pc" || machine.starts_with("pc-0.") || machine.starts_with("pc-1.") ||
                        machine.starts_with("pc-i440") || machine.starts_with("rhel"));
}
bool IsArmVirt(const DomainDef& def) { return IsArm(def) && IsOrVersionOf(def.os.machine, "virt"); }
bool IsRiscvVirt(const DomainDef& def) { return IsRiscv(def) && IsOrVersionOf(def.os.machine, "virt"); }
bool IsPseries(const DomainDef& def) { return IsPpc64(def) && IsOrVersionOf(def.os.machine, "pseries"); }
bool IsS390Ccw(const DomainDef& def) { return IsS390(def) && def.os.machine.starts_with("s390-ccw"); }
bool IsMicrovm(const DomainDef& def) { return IsX86(def) && def.os.machine == "microvm"; }
bool IsLoongson(const DomainDef& def) { return def.os.arch == "mips64el" && def.os.machine == "loongson3-virt"; }

bool HasBuiltinIde(const DomainDef& def) {
  std::string_view machine = def.os.machine;
  return IsI440fx(def) || machine == "malta" || machine == "sun4u" || machine == "g3beige";
}

bool NeedsFloppyController(const DomainDef& def) {
  if (!IsQ35(def)) return false;
  std::string_view version = std::string_view(def.os.machine).substr(std::string_view(def.os.machine).find_last_of('-') + 1);
  auto number = [](std::string_view text) {
    unsigned value = 0;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') value = value * 10 + static_cast<unsigned>(text[0] - '0'), text.remove_prefix(1);
    return value;
  };
  unsigned major = number(version);
  auto dot = version.find('.');
  unsigned minor = dot == version.npos ? 0 : number(version.substr(dot + 1));
  if (major == 0) return true;
  return major > 2 || (major == 2 && minor >= 4);
}

}  // namespace bv::qemu
