#include "qemu/device_acl.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "model/domain/domain.h"
#include "qemu/cgroup.h"
#include "qemu/command_line/host_queries.h"
#include "qemu/config.h"

namespace bv::qemu {
namespace {

using namespace model;

constexpr const char* kSource = "qemu.qemu_cgroup";
constexpr const char* kAlways[] = {"/dev/null", "/dev/full", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/kvm"};
constexpr const char* kTerminals = "c 136:* rw";
constexpr const char* kSoundCards = "c 116:* rw";

// A rule of devices.allow and devices.deny; empty for what is no device.
std::string RuleFor(const DeviceNode& node) {
  struct stat info;
  if (stat(node.path.c_str(), &info) != 0) return {};
  bool block = S_ISBLK(info.st_mode);
  if (!block && !S_ISCHR(info.st_mode)) return {};
  return fmt::format("{} {}:{} {}", block ? 'b' : 'c', major(info.st_rdev), minor(info.st_rdev), node.writable ? "rw" : "r");
}

void AddVfio(std::vector<DeviceNode>& nodes, const std::string& device) {
  std::error_code failed;
  auto group = std::filesystem::read_symlink(device + "/iommu_group", failed).filename().string();
  if (failed || group.empty()) return;
  nodes.push_back({"/dev/vfio/vfio"});
  nodes.push_back({"/dev/vfio/" + group});
}

void AddVfioPci(std::vector<DeviceNode>& nodes, const PciAddress& pci) {
  AddVfio(nodes, fmt::format("/sys/bus/pci/devices/{:04x}:{:02x}:{:02x}.{:x}", pci.domain, pci.bus, pci.slot, pci.function));
}

void AddChain(std::vector<DeviceNode>& nodes, const StorageSource& top) {
  for (auto* image = &top; image && !image->IsTerminator(); image = image->backing.get()) {
    if (image->type == StorageType::kNvme && image->nvme) AddVfioPci(nodes, image->nvme->address);
    bool local = image->type == StorageType::kFile || image->type == StorageType::kBlock;
    if (local && !image->path.empty()) nodes.push_back({image->path, image == &top && !image->readonly});
  }
}

void AddHostdev(std::vector<DeviceNode>& nodes, const Hostdev& hostdev) {
  if (hostdev.mode != HostdevMode::kSubsystem) return;
  switch (hostdev.type) {
    case HostdevType::kUsb:
      if (hostdev.usb.bus && hostdev.usb.device)
        nodes.push_back({fmt::format("/dev/bus/usb/{:03}/{:03}", *hostdev.usb.bus, *hostdev.usb.device)});
      return;
    case HostdevType::kPci:
      return AddVfioPci(nodes, hostdev.pci.address);
    case HostdevType::kMdev:
      if (hostdev.mdev.uuid) AddVfio(nodes, "/sys/bus/mdev/devices/" + hostdev.mdev.uuid->ToString());
      return;
    case HostdevType::kScsi: {
      constexpr std::string_view kPrefix = "scsi_host";
      auto& scsi = hostdev.scsi;
      if (scsi.protocol != ScsiProtocol::kAdapter || !scsi.adapter.starts_with(kPrefix)) return;
      try {
        auto host = static_cast<unsigned>(std::strtoul(scsi.adapter.c_str() + kPrefix.size(), nullptr, 10));
        nodes.push_back({"/dev/" + HostQueries::Real().ScsiGenericName(host, scsi.bus, scsi.target, scsi.unit), !hostdev.readonly});
      } catch (const Error&) {
        // The command line will say that it is not there.
      }
      return;
    }
    default:
      return;
  }
}

}  // namespace

std::vector<DeviceNode> NodesOf(const Hostdev& hostdev) {
  std::vector<DeviceNode> nodes;
  AddHostdev(nodes, hostdev);
  return nodes;
}

std::vector<DeviceNode> DeviceNodes(const DomainDef& def) {
  std::vector<DeviceNode> nodes;
  auto add = [&](const std::string& path) {
    if (!path.empty()) nodes.push_back({path});
  };
  auto add_source = [&](const ChardevSource& source) {
    if (source.type == ChardevType::kDev || source.type == ChardevType::kFile || source.type == ChardevType::kPipe) add(source.path);
  };
  for (auto& disk : def.disks) AddChain(nodes, disk->source);
  for (auto* list : {&def.serials, &def.parallels, &def.consoles, &def.channels}) {
    for (auto& chardev : *list) add_source(chardev->source);
  }
  for (auto& redirdev : def.redirdevs) add_source(redirdev->source);
  for (auto& card : def.smartcards) add_source(card->passthrough);
  for (auto& rng : def.rngs) {
    add(rng->path);
    add_source(rng->source);
  }
  for (auto& hostdev : def.hostdevs) AddHostdev(nodes, *hostdev);
  for (auto& net : def.interfaces) {
    auto& actual = net->actual ? net->actual->connection : *net;
    if (actual.type == InterfaceType::kHostdev) AddHostdev(nodes, *actual.hostdev);
    if (actual.type == InterfaceType::kVdpa) add(actual.source_dev);
  }
  for (auto& input : def.inputs) add(input->evdev);
  for (auto& tpm : def.tpms) add(tpm->source.path);
  for (auto& graphics : def.graphics) add(graphics->rendernode);
  for (auto& memory : def.memory_devices) {
    add(memory->path);
    if (memory->model != MemoryModel::kSgxEpc) continue;
    add("/dev/sgx_vepc");
    add("/dev/sgx_provision");
  }
  if (def.launch_security && def.launch_security->type == LaunchSecurityType::kSev) add("/dev/sev");
  if (def.os.nvram) AddChain(nodes, def.os.nvram->source);
  return nodes;
}

void ConfineDevices(const Cgroup& cgroup, const QemuConfig& config, const std::vector<DeviceNode>& nodes) {
  if (cgroup.unified() || !cgroup.Has("devices")) return;
  try {
    cgroup.Write("devices", "devices.deny", "a");
  } catch (const Error& error) {
    LogWarn(kSource, "guests may open any device: {}", error.message);
    return;
  }
  cgroup.Write("devices", "devices.allow", kTerminals);
  // Which of them sound goes to is the sound library's business.
  if (config.nographics_allow_host_audio || config.vnc_allow_host_audio) cgroup.Write("devices", "devices.allow", kSoundCards);
  std::vector<DeviceNode> always;
  if (config.cgroup_device_acl.empty()) {
    for (auto* path : kAlways) always.push_back({path});
  } else {
    for (auto& path : config.cgroup_device_acl) always.push_back({path});
  }
  AllowDevices(cgroup, always);
  AllowDevices(cgroup, nodes);
}

void AllowDevices(const Cgroup& cgroup, const std::vector<DeviceNode>& nodes) {
  if (cgroup.unified() || !cgroup.Has("devices")) return;
  for (auto& node : nodes) {
    if (auto rule = RuleFor(node); !rule.empty()) cgroup.Write("devices", "devices.allow", rule);
  }
}

void DenyDevices(const Cgroup& cgroup, const std::vector<DeviceNode>& before, const std::vector<DeviceNode>& after) {
  if (cgroup.unified() || !cgroup.Has("devices")) return;
  std::vector<std::string> kept;
  for (auto& node : after) kept.push_back(RuleFor(node));
  for (auto* path : kAlways) kept.push_back(RuleFor({path}));
  for (auto& node : before) {
    auto rule = RuleFor(node);
    if (!rule.empty() && std::ranges::find(kept, rule) == kept.end()) cgroup.Write("devices", "devices.deny", rule);
  }
}

}  // namespace bv::qemu
