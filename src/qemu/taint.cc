#include "qemu/taint.h"

#include <algorithm>
#include <iterator>

#include "model/domain/domain.h"
#include "qemu/config.h"

namespace bv::qemu {
namespace {

constexpr std::string_view kNames[] = {
    "custom-argv", "custom-monitor", "high-privileges", "shell-scripts", "disk-probing", "external-launch", "host-cpu",
    "hook-script", "cdrom-passthrough", "custom-dtb", "custom-ga-command", "custom-hypervisor-feature", "deprecated-config",
    "custom-device",
};

constexpr std::string_view kMessages[] = {
    "custom configuration parameters specified",
    "custom monitor control commands issued",
    "running with undesirable elevated privileges",
    "network configuration using opaque shell scripts",
    "dangerous disk type probing",
    "managing externally launched configuration",
    "potentially unsafe use of host CPU passthrough",
    "configuration potentially modified by hook script",
    "use of host cdrom passthrough",
    "custom device tree blob used",
    "custom guest agent control commands issued",
    "hypervisor feature autodetection override",
    "use of deprecated configuration settings",
    "custom device configuration",
};
static_assert(std::size(kMessages) == std::size(kNames));

}  // namespace

std::string_view TaintMessage(Taint taint) { return kMessages[static_cast<std::size_t>(taint)]; }

std::string_view TaintName(Taint taint) { return kNames[static_cast<std::size_t>(taint)]; }

std::optional<Taint> ParseTaint(std::string_view name) {
  auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<Taint>(found - std::begin(kNames));
}

std::set<Taint> TaintsOf(const model::DomainDef& def, const QemuConfig& config) {
  std::set<Taint> taints;
  auto add = [&](bool holds, Taint taint) {
    if (holds) taints.insert(taint);
  };
  add(config.privileged && (config.uid == 0 || config.gid == 0), Taint::kHighPrivileges);
  auto& qemu = def.qemu;
  add(!qemu.args.empty() || !qemu.env.empty(), Taint::kCustomArgv);
  add(!qemu.caps_add.empty() || !qemu.caps_del.empty(), Taint::kCustomHypervisorFeature);
  add(!qemu.overrides.empty(), Taint::kCustomDevice);
  add(def.cpu && def.cpu->mode == model::CpuMode::kHostPassthrough, Taint::kHostCpu);
  for (auto& disk : def.disks) add(disk->rawio == model::YesNo::kYes, Taint::kHighPrivileges);
  for (auto& hostdev : def.hostdevs) add(hostdev->scsi.rawio == model::YesNo::kYes, Taint::kHighPrivileges);
  for (auto& net : def.interfaces) add(!net->script.empty(), Taint::kShellScripts);
  add(!def.os.dtb.empty(), Taint::kCustomDtb);
  return taints;
}

}  // namespace bv::qemu
