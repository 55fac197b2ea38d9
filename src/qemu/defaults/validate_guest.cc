#include <fmt/format.h>

#include "qemu/defaults/validate.h"
#include "qemu/machine_kind.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

void Emulator(const DomainDef& def, const QemuCaps& caps) {
  auto refuse = [&](std::string_view what, std::string_view value) {
    Unsupported(fmt::format("Emulator '{}' does not support {} '{}'", def.emulator, what, value));
  };
  if (def.os.type == OsType::kExe && def.os.init.empty()) BadXml("init binary must be specified");
  if (def.os.type != OsType::kHvm) refuse("os type", ToString(def.os.type));
  if (def.os.arch != caps.arch() && !(def.os.arch == "i686" && caps.arch() == "x86_64")) refuse("arch", def.os.arch);
  bool virt_ok = (def.virt_type == VirtType::kQemu && caps.HasAccelerator(Accelerator::kTcg)) ||
                 (def.virt_type == VirtType::kKvm && caps.HasAccelerator(Accelerator::kKvm));
  if (!virt_ok) refuse("virt type", ToString(def.virt_type));
  if (!caps.FindMachine(def.os.machine)) refuse("machine type", def.os.machine);
}

void CpuSettings(const DomainDef& def) {
  if (!def.cpu) return;
  const CpuDef& cpu = *def.cpu;
  if (cpu.topology) {
    const CpuTopology& t = *cpu.topology;
    if (t.sockets * t.dies * t.cores * t.threads != def.vcpu.max) {
      Unsupported("CPU topology doesn't match maximum vcpu count");
    }
  }
  if (!cpu.max_phys_addr) return;
  const MaxPhysAddr& bits = *cpu.max_phys_addr;
  std::string mode(ToString(bits.mode));
  switch (bits.mode) {
    case MaxPhysAddrMode::kPassthrough:
      if (bits.bits) {
        Unsupported(fmt::format("CPU maximum physical address bits number specification cannot be used with mode='{}'", mode));
      }
      break;
    case MaxPhysAddrMode::kEmulate:
      if (!bits.bits) {
        Unsupported(fmt::format("if using CPU maximum physical address mode='{}', bits= must be specified too", mode));
      }
      break;
  }
}

void FeatureSettings(const DomainDef& def) {
  const Features& f = def.features;
  if (f.tcg_tb_cache && f.tcg_tb_cache % 1024 != 0) Unsupported("tb-cache size must be an integer multiple of MiB");
}

void VcpuCount(const DomainDef& def, const QemuCaps& caps) {
  const MachineType* machine = caps.FindMachine(def.os.machine);
  if (machine && machine->max_cpus && def.vcpu.max > machine->max_cpus) {
    Unsupported(fmt::format("Maximum CPUs greater than specified machine type limit {}", machine->max_cpus));
  }
  constexpr unsigned kMostWithoutEim = 255;
  if (!IsX86(def) || def.vcpu.max <= kMostWithoutEim) return;
  if (!IsQ35(def)) Unsupported(fmt::format("more than {} vCPUs are only supported on q35-based machine types", kMostWithoutEim));
  if (!def.iommu || def.iommu->eim != OnOff::kOn) {
    Unsupported(fmt::format("more than {} vCPUs require extended interrupt mode enabled on the iommu device", kMostWithoutEim));
  }
}

// The first vCPU cannot be unplugged, and whoever orders some of them orders all.
void Vcpus(const DomainDef& def) {
  if (def.vcpu.current && *def.vcpu.current == 0) Unsupported("vcpu 0 can't be offline");
  const auto& vcpus = def.vcpu.vcpus;
  if (vcpus.empty()) return;
  if (vcpus[0].enabled == YesNo::kNo) Unsupported("vcpu '0' can't be offline");
  if (vcpus[0].hotpluggable == YesNo::kYes) Unsupported("vcpu0 can't be hotpluggable");
  if (vcpus[0].order > 1) Unsupported("vcpu0 must be enabled first");
  bool ordered = false, unordered = false;
  for (const Vcpu& vcpu : vcpus) {
    if (vcpu.enabled != YesNo::kYes) continue;
    (vcpu.order ? ordered : unordered) = true;
  }
  if (ordered && unordered) Unsupported("all vcpus must have either set or unset order");
  // QEMU starts those that stay at once and in their order; the others follow.
  for (std::size_t i = 1; i < vcpus.size(); ++i) {
    if (vcpus[i].hotpluggable != YesNo::kNo) continue;
    if (vcpus[i - 1].hotpluggable == YesNo::kYes) {
      Unsupported("online non-hotpluggable vcpus need to be ordered prior to hotpluggable vcpus");
    }
    if (vcpus[i - 1].order > vcpus[i].order) Unsupported("online non-hotpluggable vcpus must be ordered in ascending order");
  }
}

void Cachetune(const DomainDef& def) {
  if (def.virt_type == VirtType::kKvm) return;
  if (!def.cputune.cachetunes.empty() || !def.cputune.memorytunes.empty()) {
    Unsupported("cachetune is only supported for KVM domains");
  }
}

void BootMenuRange(const DomainDef& def) {
  if (def.os.boot_menu.timeout_ms && *def.os.boot_menu.timeout_ms > 65535) {
    Nonsense("invalid value for boot menu timeout, must be in range [0,65535]");
  }
}

void LaunchSecurityKind(const DomainDef& def, const QemuCaps& caps) {
  if (!def.launch_security) return;
  if (!caps.Has(QemuCap::kSevGuest)) Unsupported("SEV launch security is not supported with this QEMU binary");
}

}  // namespace

void Guest(const DomainDef& def, const QemuCaps& caps) {
  Emulator(def, caps);
  BootMenuRange(def);
  VcpuCount(def, caps);
  CpuSettings(def);
  FeatureSettings(def);
  Vcpus(def);
  Cachetune(def);
  LaunchSecurityKind(def, caps);
}

}  // namespace bv::qemu::validate
