#include "qemu/defaults/guest_defaults.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "qemu/machine_kind.h"
#include "qemu/nvram.h"

namespace bv::qemu {

using namespace model;

namespace {

[[noreturn]] void ThrowXml(std::string text) { throw Error(ErrorDomain::kDomain, ErrorCode::kXmlError, std::move(text)); }
[[noreturn]] void ThrowUnsupported(std::string text) {
  throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, std::move(text));
}

// "qemu64-x86_64-cpu" is the type of the model "qemu64". The architecture is the binary's, not the guest's.
std::string ModelOfType(std::string_view type, std::string_view binary_arch) {
  std::string suffix = fmt::format("-{}-cpu", binary_arch == "i686" ? "i386" : binary_arch);
  if (type.ends_with(suffix)) type.remove_suffix(suffix.size());
  return std::string(type);
}

void SetDefaultCpu(DomainDef& def, const QemuCaps& caps) {
  if (def.cpu && (def.cpu->mode != CpuMode::kCustom || !def.cpu->model.empty())) return;
  const MachineType* machine = caps.FindMachine(def.os.machine);
  if (!machine || machine->default_cpu.empty()) return;
  std::string model = ModelOfType(machine->default_cpu, caps.arch());
  if (!def.cpu) def.cpu.emplace();
  CpuDef& cpu = *def.cpu;
  cpu.type = CpuType::kGuest;
  if (model == "host") {
    cpu.mode = CpuMode::kHostPassthrough;
    return;
  }
  if (model == "max") {
    cpu.mode = CpuMode::kMaximum;
    return;
  }
  // It may not run completely on any host; QEMU leaves out what it has to.
  cpu.mode = CpuMode::kCustom;
  cpu.match = CpuMatch::kExact;
  cpu.check = CpuCheck::kNone;
  cpu.fallback = CpuFallback::kForbid;
  cpu.model = std::move(model);
}

void CheckCache(const DomainDef& def, const CpuDef& cpu) {
  if (!cpu.cache) return;
  const CpuCache& cache = *cpu.cache;
  std::string mode(ToString(cache.mode));
  if (!IsX86(def)) {
    ThrowUnsupported(fmt::format("CPU cache specification is not supported for '{}' architecture", def.os.arch));
  }
  switch (cache.mode) {
    case CpuCacheMode::kEmulate:
      if (cache.level != 3u) ThrowUnsupported(fmt::format("CPU cache mode '{}' can only be used with level='3'", mode));
      break;
    case CpuCacheMode::kPassthrough:
      if (cpu.mode != CpuMode::kHostPassthrough && cpu.mode != CpuMode::kMaximum) {
        ThrowUnsupported(fmt::format("CPU cache mode '{}' can only be used with '{}' / '{}' CPUs", mode,
                                     ToString(CpuMode::kHostPassthrough), ToString(CpuMode::kMaximum)));
      }
      if (cache.level) ThrowUnsupported(fmt::format("unsupported CPU cache level for mode '{}'", mode));
      break;
    case CpuCacheMode::kDisable:
      if (cache.level) ThrowUnsupported(fmt::format("unsupported CPU cache level for mode '{}'", mode));
      break;
  }
}

// Memory that is plugged in as a device is part of <memory>.
KiB PluggedMemory(const DomainDef& def) {
  KiB sum = 0;
  for (auto& device : def.memory_devices) sum += device->size;
  return sum;
}

template <typename F>
void ForEachBootOrder(const DomainDef& def, F f) {
  for (auto& d : def.disks) f(d->info.boot_order);
  for (auto& d : def.interfaces) f(d->info.boot_order);
  for (auto& d : def.hostdevs) f(d->info.boot_order);
  for (auto& d : def.redirdevs) f(d->info.boot_order);
}

}  // namespace

void CompleteMachine(DomainDef& def, const QemuCaps& caps) {
  if (def.os.machine.empty()) {
    if (const MachineType* machine = caps.DefaultMachine()) def.os.machine = machine->name;
  } else {
    def.os.machine = caps.CanonicalMachine(def.os.machine);
  }
}

void CompleteSeclabel(DomainDef& def) {
  if (def.seclabels.size() != 1 || !def.seclabels[0].model.empty()) return;
  // The model is the host's first, and that is none.
  Seclabel& label = def.seclabels[0];
  label.model = "none";
  label.type = SeclabelType::kNone;
  label.relabel = YesNo::kNo;
}

void CheckTseg(const DomainDef& def) {
  constexpr std::uint64_t kMiB = 1u << 20;
  if (!def.features.tseg_bytes) return;
  if (!IsQ35(def)) ThrowUnsupported("SMM TSEG is only supported with q35 machine type");
  if (*def.features.tseg_bytes % kMiB) ThrowUnsupported("SMM TSEG size must be divisible by 1 MiB");
}

void CompleteMemory(DomainDef& def) {
  KiB cells = 0;
  for (auto& cell : def.numa.cells) cells += cell.memory;
  if (cells > 0) def.memory.total = cells + PluggedMemory(def);
  if (!def.memory.current || *def.memory.current == 0 || *def.memory.current > def.memory.total) {
    def.memory.current = def.memory.total;
  }
  if (def.memory.max != 0 && def.memory.max < def.memory.total) {
    ThrowXml("maximum memory size must be equal or greater than the actual memory size");
  }
}

void CompleteCpu(DomainDef& def, const QemuCaps& caps) {
  SetDefaultCpu(def, caps);
  if (!def.cpu) return;
  CpuDef& cpu = *def.cpu;
  CheckCache(def, cpu);
  if (cpu.mode == CpuMode::kCustom && cpu.model.empty()) return;
  if (cpu.mode == CpuMode::kHostPassthrough && cpu.migratable == OnOff::kAbsent && IsX86(def)) {
    cpu.migratable = ToOnOff(caps.Has(QemuCap::kCpuMigratable));
  }
  if (cpu.check != CpuCheck::kDefault) return;
  switch (cpu.mode) {
    case CpuMode::kHostPassthrough:
    case CpuMode::kMaximum: cpu.check = CpuCheck::kNone; break;
    case CpuMode::kHostModel: cpu.check = CpuCheck::kPartial; break;
    case CpuMode::kCustom:
      // Emulated CPUs have nothing to do with the host's.
      cpu.check = def.virt_type == VirtType::kQemu ? CpuCheck::kNone : CpuCheck::kPartial;
      break;
  }
}

void CompleteNuma(DomainDef& def) {
  if (def.vcpu.placement == CpuPlacement::kAuto && !def.numatune.memory) {
    def.numatune.memory.emplace();
    def.numatune.memory->placement = NumaPlacement::kAuto;
  }
  if (def.numa.cells.empty()) return;
  Bitmap assigned;
  for (auto& cell : def.numa.cells) {
    if (cell.cpus) assigned |= *cell.cpus;
  }
  if (assigned.empty()) return;
  for (unsigned vcpu = 0; vcpu < def.vcpu.max; ++vcpu) {
    if (assigned.Test(vcpu)) continue;
    if (!def.numa.cells[0].cpus) def.numa.cells[0].cpus.emplace();
    def.numa.cells[0].cpus->Set(vcpu);
  }
}

void CompleteFirmware(DomainDef& def, const QemuConfig& config) {
  Os& os = def.os;
  if (os.loader && !os.loader->path.empty() && os.loader->type == LoaderType::kNone) os.loader->type = LoaderType::kRom;
  // Keys mean nothing without the check that uses them.
  auto& secure = os.firmware_features[static_cast<std::size_t>(FirmwareFeature::kSecureBoot)];
  if (os.feature(FirmwareFeature::kEnrolledKeys) == YesNo::kYes && secure == YesNo::kAbsent) secure = YesNo::kYes;
  bool pflash = os.loader && os.loader->type == LoaderType::kPflash && os.firmware == Firmware::kNone;
  if (pflash && os.nvram && os.nvram->source.path.empty() && !os.nvram->new_style) {
    os.nvram->source.type = StorageType::kFile;
    os.nvram->source.format = StorageFormat::kRaw;
    os.nvram->source.path = NvramPath(config, def.name);
  }
}

void CompleteBoot(DomainDef& def) {
  if (def.os.type != OsType::kHvm) return;
  bool ordered = false;
  ForEachBootOrder(def, [&](unsigned order) { ordered |= order != 0; });
  if (def.os.boot.empty() && !ordered) def.os.boot.push_back(BootDevice::kDisk);
}

void AssignMemorySlots(DomainDef& def) {
  Bitmap taken;
  for (auto& device : def.memory_devices) {
    if (device->info.address.type == AddressType::kDimm) taken.Set(device->info.address.dimm.slot);
  }
  for (auto& device : def.memory_devices) {
    bool in_slot = device->model == MemoryModel::kDimm || device->model == MemoryModel::kNvdimm;
    if (!in_slot || device->info.address.type != AddressType::kNone) continue;
    unsigned slot = 0;
    while (taken.Test(slot)) ++slot;
    taken.Set(slot);
    device->info.address.type = AddressType::kDimm;
    device->info.address.dimm.slot = slot;
  }
}

}  // namespace bv::qemu
