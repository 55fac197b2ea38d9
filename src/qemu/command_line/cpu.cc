#include "qemu/command_line/cpu.h"

#include <algorithm>

#include "qemu/cpu_models.h"

namespace bv::qemu {

using namespace model;

namespace {

void AddSwitch(std::string* cpu, std::string_view name, OnOff value) {
  if (value != OnOff::kAbsent) cpu->append(fmt::format(",{}={}", name, ToString(value)));
}

void AddTimers(std::string* cpu, const GuestClock& clock) {
  for (auto& timer : clock.timers) {
    switch (timer.name) {
      case TimerName::kKvmclock:
        if (timer.present != YesNo::kAbsent) AddSwitch(cpu, "kvmclock", ToOnOff(timer.present == YesNo::kYes));
        break;
      case TimerName::kHypervclock:
        if (timer.present == YesNo::kYes) AddSwitch(cpu, "hv-time", OnOff::kOn);
        break;
      case TimerName::kTsc:
        if (timer.frequency) cpu->append(fmt::format(",tsc-frequency={}", timer.frequency));
        break;
      case TimerName::kArmvtimer:
        if (timer.tick_policy == TickPolicy::kDelay) AddSwitch(cpu, "kvm-no-adjvtime", OnOff::kOff);
        if (timer.tick_policy == TickPolicy::kDiscard) AddSwitch(cpu, "kvm-no-adjvtime", OnOff::kOn);
        break;
      default:
        break;
    }
  }
}

void AddHyperv(std::string* cpu, const Hyperv& hyperv) {
  if (hyperv.mode == HypervMode::kNone) return;
  if (hyperv.mode == HypervMode::kPassthrough) {
    cpu->append(",hv-passthrough=on");
    return;
  }
  for (std::size_t i = 0; i < kHypervFeatures; ++i) {
    auto feature = static_cast<HypervFeature>(i);
    if (hyperv[feature] != OnOff::kOn) continue;
    switch (feature) {
      case HypervFeature::kSpinlocks:
        cpu->append(fmt::format(",hv-spinlocks={:#x}", hyperv.spinlocks));
        break;
      case HypervFeature::kVendorId:
        cpu->append(",hv-vendor-id=" + EscapeCommas(hyperv.vendor_id));
        break;
      default:
        AddSwitch(cpu, fmt::format("hv-{}", ToString(feature)), OnOff::kOn);
        if (feature == HypervFeature::kStimer && hyperv.stimer_direct == OnOff::kOn) cpu->append(",hv-stimer-direct=on");
        break;
    }
  }
}

// Only states that differ from what QEMU does by itself are written.
void AddKvm(std::string* cpu, const Kvm& kvm) {
  if (kvm[KvmFeature::kHidden] == OnOff::kOn) cpu->append(",kvm=off");
  if (kvm[KvmFeature::kHintDedicated] == OnOff::kOn) cpu->append(",kvm-hint-dedicated=on");
  if (kvm[KvmFeature::kPollControl] == OnOff::kOn) cpu->append(",kvm-poll-control=on");
  if (kvm[KvmFeature::kPvIpi] == OnOff::kOff) cpu->append(",kvm-pv-ipi=off");
}

}  // namespace

void AddCpu(const Context& context, CommandLine* out) {
  const DomainDef& def = context.def;
  std::string cpu;
  AddTimers(&cpu, def.clock);
  AddSwitch(&cpu, "kvm-pv-eoi", def.features.apic_eoi);
  AddSwitch(&cpu, "kvm-pv-unhalt", def.features.pvspinlock);
  AddHyperv(&cpu, def.features.hyperv);
  if (std::ranges::any_of(def.panics, [](auto& panic) { return panic->model == PanicModel::kHyperv; })) cpu += ",hv-crash";
  AddKvm(&cpu, def.features.kvm);
  AddSwitch(&cpu, "pmu", def.features.pmu);
  if (def.cpu) cpu += CpuCacheArgument(*def.cpu);

  std::string model = def.cpu ? CpuModelArgument(*def.cpu, context.caps) : "";
  if (model.empty()) {
    if (cpu.empty()) return;
    model = def.os.arch == "i686" ? "qemu32" : "qemu64";
  }
  out->Option("-cpu", model + cpu);
}

}  // namespace bv::qemu
