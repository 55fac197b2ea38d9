#include "qemu/guest_limits.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/error.h"
#include "model/domain/domain.h"
#include "qemu/cgroup.h"

namespace bv::qemu {
namespace {

// VIR_DOMAIN_MEMORY_PARAM_UNLIMITED, which stands for "all there is" in limits too.
constexpr std::uint64_t kUnlimited = 9007199254740991;

std::string DeviceNumber(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0)
    throw SystemError(ErrorDomain::kCgroup, fmt::format("Path '{}' is not accessible", path));
  if (!S_ISBLK(info.st_mode))
    throw SystemError(ErrorDomain::kCgroup, EINVAL, fmt::format("Path '{}' must be a block device", path));
  return fmt::format("{}:{}", major(info.st_rdev), minor(info.st_rdev));
}

void LimitMemory(const Cgroup& cgroup, const model::MemTune& tune) {
  auto write = [&](const char* file, const std::optional<model::KiB>& limit) {
    if (limit) cgroup.Write("memory", file, std::to_string(*limit * 1024));
  };
  // The kernel wants memory and swap together never below memory alone.
  write("memory.limit_in_bytes", tune.hard_limit);
  write("memory.soft_limit_in_bytes", tune.soft_limit);
  write("memory.memsw.limit_in_bytes", tune.swap_hard_limit);
}

// Whether something of the host reads and writes the guest's memory by itself, for which all of it is pinned.
bool PinsMemory(const model::DomainDef& def) {
  auto nvme = [](auto& disk) { return disk->source.type == model::StorageType::kNvme; };
  auto assigned = [](auto& hostdev) {
    return hostdev->mode == model::HostdevMode::kSubsystem &&
           (hostdev->type == model::HostdevType::kPci || hostdev->type == model::HostdevType::kMdev);
  };
  auto assigned_net = [](auto& net) {
    return net->type == model::InterfaceType::kHostdev || net->type == model::InterfaceType::kVdpa;
  };
  return std::ranges::any_of(def.hostdevs, assigned) || std::ranges::any_of(def.disks, nvme) ||
         std::ranges::any_of(def.interfaces, assigned_net);
}

}  // namespace

const char* BlkioWeightFile(const Cgroup& cgroup) {
  return cgroup.Read("blkio", "blkio.bfq.weight") ? "blkio.bfq.weight" : "blkio.weight";
}

void LimitBlockDevice(const Cgroup& cgroup, const model::BlkioDevice& device, bool lift) {
  if (device.weight) {
    if (!cgroup.Read("blkio", "blkio.weight_device"))
      throw Error(ErrorDomain::kCgroup, ErrorCode::kOperationInvalid, "blkio device weight is valid only for cfq scheduler");
    cgroup.Write("blkio", "blkio.weight_device", fmt::format("{} {}", DeviceNumber(device.path), device.weight));
  }
  auto throttle = [&](const char* file, std::uint64_t value) {
    if (value || lift) cgroup.Write("blkio", file, fmt::format("{} {}", DeviceNumber(device.path), value));
  };
  throttle("blkio.throttle.read_iops_device", device.read_iops);
  throttle("blkio.throttle.write_iops_device", device.write_iops);
  throttle("blkio.throttle.read_bps_device", device.read_bytes);
  throttle("blkio.throttle.write_bps_device", device.write_bytes);
}

void LimitGroup(const Cgroup& cgroup, const model::BlkioTune& blkio, const model::MemTune& memory,
                const model::CpuTune& cpu) {
  if (cgroup.Has("blkio")) {
    if (blkio.weight) cgroup.Write("blkio", BlkioWeightFile(cgroup), std::to_string(blkio.weight));
    for (auto& device : blkio.devices) LimitBlockDevice(cgroup, device);
  }
  LimitMemory(cgroup, memory);
  if (cpu.shares) cgroup.Write("cpu", "cpu.shares", std::to_string(*cpu.shares));
  if (cpu.global_period) cgroup.Write("cpu", "cpu.cfs_period_us", std::to_string(cpu.global_period));
  if (cpu.global_quota) cgroup.Write("cpu", "cpu.cfs_quota_us", std::to_string(cpu.global_quota));
}

std::optional<std::uint64_t> LockedMemoryLimit(const model::DomainDef& def) {
  if (def.memory.tune.hard_limit) return *def.memory.tune.hard_limit * 1024;
  if (def.memory.backing.locked) return kUnlimited;
  // Room for what QEMU maps beside the guest's memory, as libvirt reckons it.
  constexpr std::uint64_t kBeside = 1ull << 30;
  if (PinsMemory(def)) return def.memory.total * 1024 + kBeside;
  return std::nullopt;
}

void LimitLockedMemory(const model::DomainDef& def, pid_t pid) {
  auto limit = LockedMemoryLimit(def);
  if (!limit) return;
  rlimit bytes{*limit, *limit};
  if (prlimit(pid, RLIMIT_MEMLOCK, &bytes, nullptr) != 0)
    throw SystemError(ErrorDomain::kNone, fmt::format("cannot limit locked memory of process {} to {}", pid, *limit));
}

}  // namespace bv::qemu
