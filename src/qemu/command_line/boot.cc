#include "qemu/command_line/boot.h"

#include <ctime>

#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

std::string IsoTime(std::tm tm) {
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  return text;
}

std::string RtcBase(const GuestClock& clock) {
  std::tm tm{};
  std::time_t seconds;
  switch (clock.offset) {
    case ClockOffset::kLocaltime:
    case ClockOffset::kTimezone:
      return "localtime";
    case ClockOffset::kVariable:
      seconds = std::time(nullptr) + clock.adjustment.value_or(0);
      if (clock.basis == ClockBasis::kLocaltime) localtime_r(&seconds, &tm);
      else gmtime_r(&seconds, &tm);
      return IsoTime(tm);
    case ClockOffset::kAbsolute:
      seconds = static_cast<std::time_t>(clock.start);
      gmtime_r(&seconds, &tm);
      return IsoTime(tm);
    default:
      return "utc";
  }
}

const char* RtcClock(TimerTrack track) {
  switch (track) {
    case TimerTrack::kGuest:
      return "vm";
    case TimerTrack::kWall:
      return "host";
    case TimerTrack::kRealtime:
      return "rt";
    default:
      return nullptr;
  }
}

const model::Timer* FindTimer(const GuestClock& clock, TimerName name) {
  for (auto& timer : clock.timers) {
    if (timer.name == name) return &timer;
  }
  return nullptr;
}

}  // namespace

void AddClock(const Context& context, CommandLine* out) {
  const GuestClock& clock = context.def.clock;
  if (clock.offset == ClockOffset::kTimezone) out->environment.emplace_back("TZ", clock.timezone);

  OptionString rtc;
  rtc.Add("base", RtcBase(clock));
  const model::Timer* timer = FindTimer(clock, TimerName::kRtc);
  if (timer && RtcClock(timer->track)) rtc.Add("clock", RtcClock(timer->track));
  if (timer && timer->tick_policy == TickPolicy::kCatchup) rtc.Add("driftfix", "slew");
  out->Option("-rtc", rtc);

  for (auto& other : clock.timers) {
    if (other.name == TimerName::kPit && (other.tick_policy == TickPolicy::kDelay || other.tick_policy == TickPolicy::kDiscard)) {
      if (context.Has(QemuCap::kKvmPitLostTickPolicy)) {
        out->Option("-global", fmt::format("kvm-pit.lost_tick_policy={}", ToString(other.tick_policy)));
      }
    } else if (other.name == TimerName::kHpet && other.present == YesNo::kNo && context.Has(QemuCap::kNoHpet)) {
      out->Option("-no-hpet");
    }
  }
}

void AddPower(const Context& context, CommandLine* out) {
  const DomainDef& def = context.def;
  // With set-action the monitor says what a reboot does; without it only a flag can.
  const bool reboot_ends = def.lifecycle.on_reboot == LifecycleAction::kDestroy &&
                           def.lifecycle.on_poweroff == LifecycleAction::kDestroy &&
                           (def.lifecycle.on_crash == LifecycleAction::kDestroy ||
                            def.lifecycle.on_crash == LifecycleAction::kCoredumpDestroy);
  if (!context.Has(QemuCap::kSetAction) && reboot_ends) out->Option("-no-reboot");
  else out->Option("-no-shutdown");

  if (!def.features.acpi && IsX86(def) && context.Has(QemuCap::kNoAcpi)) out->Option("-no-acpi");

  const char* object = IsQ35(def) ? "ICH9-LPC" : "PIIX4_PM";
  if (def.pm.suspend_to_mem != YesNo::kAbsent) {
    out->Option("-global", fmt::format("{}.disable_s3={:d}", object, def.pm.suspend_to_mem == YesNo::kNo));
  }
  if (def.pm.suspend_to_disk != YesNo::kAbsent) {
    out->Option("-global", fmt::format("{}.disable_s4={:d}", object, def.pm.suspend_to_disk == YesNo::kNo));
  }
}

void AddBoot(const Context& context, CommandLine* out) {
  const Os& os = context.def.os;
  OptionString boot;
  boot.Add("menu", os.boot_menu.enable);
  boot.Add("reboot-timeout", os.bios.reboot_timeout);
  if (os.boot_menu.enable == YesNo::kYes) boot.Add("splash-time", os.boot_menu.timeout_ms);
  boot.Add("strict", true);
  out->Option("-boot", boot);

  if (!os.kernel.empty()) out->Option("-kernel", os.kernel);
  if (!os.initrd.empty()) out->Option("-initrd", os.initrd);
  if (!os.cmdline.empty()) out->Option("-append", os.cmdline);
  if (!os.dtb.empty()) out->Option("-dtb", os.dtb);
  if (!os.acpi_table.empty()) out->Option("-acpitable", OptionString().Add("sig", "SLIC").Add("file", os.acpi_table));
}

void AddIdentityDevices(const Context& context, CommandLine* out) {
  if (!context.def.genid) return;
  out->Device(Props::Device("vmgenid").Add("guid", context.def.genid->ToString()).Add("id", "vmgenid0"));
}

}  // namespace bv::qemu
