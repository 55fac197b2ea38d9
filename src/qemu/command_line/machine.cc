#include "qemu/command_line/machine.h"

#include <algorithm>

#include "qemu/command_line/firmware.h"
#include "qemu/command_line/numa.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

// pSeries switches: "cap-NAME=VALUE".
void AddPseriesCaps(OptionString* machine, const Features& features) {
  if (features.hpt_resizing != HptResizing::kNone) machine->Add("resize-hpt", ToString(features.hpt_resizing));
  if (features.hpt_max_page_size) {
    machine->Add("cap-hpt-max-page-size", fmt::format("{}k", features.hpt_max_page_size));
  }
  machine->Add("cap-htm", features.htm).Add("cap-nested-hv", features.nested_hv).Add("cap-ccf-assist", features.ccf_assist);
  if (features.cfpc != CfpcValue::kNone) machine->Add("cap-cfpc", ToString(features.cfpc));
  if (features.sbbc != CfpcValue::kNone) machine->Add("cap-sbbc", ToString(features.sbbc));
  if (features.ibs != IbsValue::kNone) machine->Add("cap-ibs", ToString(features.ibs));
}

void AddConfidentialGuest(OptionString* machine, const Context& context) {
  if (!context.def.launch_security) return;
  if (context.Has(QemuCap::kConfidentialGuestSupport)) {
    machine->Add("confidential-guest-support", "lsec0");
  } else if (context.def.launch_security->type == LaunchSecurityType::kSev) {
    machine->Add("memory-encryption", "lsec0");
  }
}

bool HasNvdimm(const DomainDef& def) {
  return std::ranges::any_of(def.memory_devices, [](auto& d) { return d->model == MemoryModel::kNvdimm; });
}

}  // namespace

void AddMachine(const Context& context, CommandLine* out) {
  const DomainDef& def = context.def;
  const Features& features = def.features;
  OptionString machine(def.os.machine);

  machine.Add("usb", false);
  machine.Add("vmport", features.vmport);
  machine.Add("smm", features.smm);
  if (features.ioapic == IoapicDriver::kQemu) {
    machine.Add("kernel_irqchip", "split");
  } else if (features.ioapic == IoapicDriver::kKvm) {
    machine.Add("kernel_irqchip", true);
  }
  if (!IsS390Ccw(def)) {
    if (def.keywrap.aes != OnOff::kAbsent) throw Unsupported("aes-key-wrap is not available with this QEMU binary");
    if (def.keywrap.dea != OnOff::kAbsent) throw Unsupported("dea-key-wrap is not available with this QEMU binary");
  }
  machine.Add("aes-key-wrap", def.keywrap.aes).Add("dea-key-wrap", def.keywrap.dea);
  machine.Add("dump-guest-core",
              def.memory.dump_core == OnOff::kAbsent ? context.config.dump_guest_core : def.memory.dump_core == OnOff::kOn);
  if (def.memory.backing.nosharepages) machine.Add("mem-merge", false);
  if (features.gic != GicVersion::kNone) machine.Add("gic-version", ToString(features.gic));
  if (HasNvdimm(def)) machine.Add("nvdimm", true);
  AddPseriesCaps(&machine, features);
  AddConfidentialGuest(&machine, context);
  if (HasHmat(def)) machine.Add("hmat", true);
  if (def.numa.cells.empty()) {
    auto* type = context.caps.FindMachine(def.os.machine);
    if (type && !type->default_ram_id.empty()) machine.Add("memory-backend", type->default_ram_id);
  }
  for (auto& [name, node] : FlashChips(def)) machine.Add(name, node);
  if (def.os.bios.useserial == YesNo::kYes) machine.Add("graphics", false);
  out->Option("-machine", machine);
}

void AddAccelerator(const Context& context, CommandLine* out) {
  const Features& features = context.def.features;
  switch (context.def.virt_type) {
    case VirtType::kKvm: {
      OptionString accel("kvm");
      if (features.kvm[KvmFeature::kDirtyRing] == OnOff::kOn) accel.Add("dirty-ring-size", features.kvm.dirty_ring_size);
      out->Option("-accel", accel);
      return;
    }
    case VirtType::kHvf:
      out->Option("-accel", "hvf");
      return;
    default: {
      OptionString accel("tcg");
      if (features.tcg_tb_cache) accel.Add("tb-size", features.tcg_tb_cache / 1024);
      out->Option("-accel", accel);
    }
  }
}

void AddTseg(const Context& context, CommandLine* out) {
  if (!context.def.features.tseg_bytes) return;
  out->Option("-global", fmt::format("mch.extended-tseg-mbytes={}", *context.def.features.tseg_bytes >> 20));
}

}  // namespace bv::qemu
