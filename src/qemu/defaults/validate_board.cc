#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "qemu/defaults/validate.h"
#include "qemu/machine_kind.h"

namespace bv::qemu::validate {

using namespace model;

namespace {

// Features that belong to one family of boards.
void BoardFeatures(const DomainDef& def) {
  const Features& f = def.features;
  auto refuse = [&](std::string_view name) {
    Unsupported(fmt::format("The '{}' feature is not supported for architecture '{}' or machine type '{}'", name, def.os.arch,
                            def.os.machine));
  };
  if (f.ioapic != IoapicDriver::kNone && !IsX86(def) && !(IsPseries(def) && f.ioapic == IoapicDriver::kQemu)) refuse("ioapic");
  if (!IsPseries(def)) {
    if (f.hpt_given || f.hpt_resizing != HptResizing::kNone || f.hpt_max_page_size) refuse("hpt");
    if (f.htm != OnOff::kAbsent) refuse("htm");
    if (f.nested_hv != OnOff::kAbsent) refuse("nested-hv");
    if (f.ccf_assist != OnOff::kAbsent) refuse("ccf-assist");
    if (f.cfpc != CfpcValue::kNone) refuse("cfpc");
    if (f.sbbc != CfpcValue::kNone) refuse("sbbc");
    if (f.ibs != IbsValue::kNone) refuse("ibs");
  }
  if ((f.gic_given || f.gic != GicVersion::kNone) && !IsArmVirt(def)) refuse("gic");
  if (f.tcg_given && def.virt_type != VirtType::kQemu) {
    Unsupported(fmt::format("TCG features are incompatible with domain type '{}'", ToString(def.virt_type)));
  }
}

void FirmwareNeeds(const DomainDef& def) {
  const bool uefi = def.os.firmware == Firmware::kEfi || (def.os.loader && def.os.loader->type == LoaderType::kPflash);
  if (uefi && (IsX86(def) || def.os.arch == "aarch64") && !def.features.acpi) {
    Unsupported("UEFI requires ACPI on this architecture");
  }
}

void SecureBoot(const DomainDef& def) {
  if (!def.os.loader || def.os.loader->secure != YesNo::kYes) return;
  if (!IsQ35(def)) Unsupported("Secure boot is supported with q35 machine types only");
  if (def.os.arch != "x86_64") Unsupported("Secure boot is supported for x86_64 architecture only");
  // Firmware that is chosen for the guest brings it along.
  if (def.os.firmware == Firmware::kNone && def.features.smm != OnOff::kOn) Unsupported("Secure boot requires SMM feature enabled");
}

void FirmwareFiles(const DomainDef& def) {
  for (auto& info : def.sysinfo) {
    for (auto& entry : info.fwcfg) {
      if (!entry.name.starts_with("opt/")) Unsupported("Invalid firmware name");
      if (entry.name.starts_with("opt/ovmf/") || entry.name.starts_with("opt/org.qemu/")) Unsupported("That firmware name is reserved");
    }
  }
}

void LifecycleActions(const Lifecycle& lifecycle) {
  using A = LifecycleAction;
  for (A action : std::array{lifecycle.on_reboot, lifecycle.on_poweroff, lifecycle.on_crash}) {
    if (action == A::kRestartRename) {
      Unsupported("qemu driver doesn't support the 'rename-restart' action for 'on_reboot'/'on_poweroff'/'on_crash'");
    }
  }
  if (lifecycle.on_reboot == A::kPreserve || lifecycle.on_poweroff == A::kPreserve) {
    Unsupported("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'");
  }
  if (lifecycle.on_reboot == A::kDestroy && lifecycle.on_poweroff == A::kRestart) {
    Unsupported("qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'");
  }
}

void Timers(const GuestClock& clock) {
  for (auto& timer : clock.timers) {
    if (timer.name == TimerName::kPlatform) Unsupported("unsupported timer type (name) 'platform'");
    if (timer.name == TimerName::kPit && timer.tick_policy == TickPolicy::kMerge) {
      Unsupported(fmt::format("unsupported {} tickpolicy '{}'", ToString(timer.name), ToString(timer.tick_policy)));
    }
  }
}

void Panics(const DomainDef& def) {
  for (std::size_t i = 0; i < def.panics.size(); ++i) {
    const Panic& panic = *def.panics[i];
    switch (panic.model) {
      case PanicModel::kS390:
        if (!IsS390(def)) Unsupported("only S390 guests support panic device of model 's390'");
        break;
      case PanicModel::kHyperv:
        if (!IsX86(def)) Unsupported("only i686 and x86_64 guests support panic device of model 'hyperv'");
        if (panic.info.address.type != AddressType::kNone) {
          Unsupported("setting the panic device address is not supported for model 'hyperv'");
        }
        break;
      case PanicModel::kPseries:
        if (!IsPseries(def)) Unsupported("only pSeries guests support panic device of model 'pseries'");
        break;
      case PanicModel::kIsa:
        if (panic.info.address.type != AddressType::kNone && panic.info.address.type != AddressType::kIsa) {
          Unsupported("panic is supported only with ISA address type");
        }
        break;
      case PanicModel::kDefault:
        break;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (def.panics[j]->model == panic.model) {
        BadXml(fmt::format("Multiple panic devices with model '{}'", ToString(panic.model)));
      }
    }
  }
}

void Watchdogs(const DomainDef& def) {
  for (auto& watchdog : def.watchdogs) {
    const AddressType type = watchdog->info.address.type;
    const bool given = type != AddressType::kNone;
    switch (watchdog->model) {
      case WatchdogModel::kI6300esb:
        if (given && type != AddressType::kPci) {
          Unsupported(fmt::format("{} model of watchdog can go only on PCI bus", ToString(watchdog->model)));
        }
        break;
      case WatchdogModel::kIb700:
        if (given) Unsupported(fmt::format("{} model of watchdog does not support configuring the address", ToString(watchdog->model)));
        break;
      case WatchdogModel::kDiag288:
        if (!IsS390(def)) {
          Unsupported(fmt::format("{} model of watchdog is allowed for s390 and s390x only", ToString(watchdog->model)));
        }
        break;
    }
  }
}

}  // namespace

void Board(const DomainDef& def) {
  if (!def.os.bootloader.empty() || !def.os.bootloader_args.empty()) Unsupported("bootloader is not supported by QEMU");
  if (def.memory.tune.min_guarantee) Unsupported("Parameter 'min_guarantee' not supported by QEMU.");
  BoardFeatures(def);
  FirmwareNeeds(def);
  SecureBoot(def);
  FirmwareFiles(def);
  LifecycleActions(def.lifecycle);
  Timers(def.clock);
  if (def.os.bios.useserial == YesNo::kYes && def.serials.empty()) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kXmlError, "need at least one serial port to use BIOS serial output");
  }
  if (def.nvram && !IsPpc64(def)) Unsupported("nvram device is only supported for PPC64");
  Panics(def);
  Watchdogs(def);
}

}  // namespace bv::qemu::validate
