// Pools whose volumes are the partitions of a disk. parted(8) reads and changes its table.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/command.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"
#include "base/wait.h"
#include "storage/backend.h"
#include "storage/device_probe.h"
#include "storage/partition_table.h"
#include "storage/raw_volume.h"
#include "storage/tool.h"
#include "storage/volume_build.h"
#include "storage/volume_scan.h"

namespace bv::storage {

using model::PoolDef;
using model::VolumeDef;

namespace {

constexpr const char* kSource = "storage.storage_backend_disk";

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

const std::string& DeviceOf(const PoolDef& pool) { return pool.source.devices.at(0).path; }

// What a pool's disk is to have; "dos" where nothing is said.
std::string_view WantedFormat(const PoolDef& pool) {
  constexpr std::uint8_t kUnknown = 0;
  return pool.source.format == kUnknown ? "dos" : pool.format_name();
}

// "/dev/sda" has /dev/sda1, "/dev/loop0" has /dev/loop0p1.
std::string PartitionPath(const PoolDef& pool, unsigned number) {
  const std::string& device = DeviceOf(pool);
  auto said = pool.source.devices[0].part_separator;
  bool separated = std::isdigit(static_cast<unsigned char>(device.back())) != 0;
  if (device.starts_with("/dev/mapper/") && said != model::YesNo::kAbsent) separated = said == model::YesNo::kYes;
  return device + (separated ? "p" : "") + std::to_string(number);
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Task<PartitionTable> Table(const PoolDef& pool) {
  std::vector<std::string> argv{"parted", "--script", DeviceOf(pool), "unit", "B", "print", "free"};
  std::string output = co_await RunTool(std::move(argv));
  co_return ReadPartitionTable(output);
}

VolumeDef VolumeOf(const PoolDef& pool, const Partition& partition) {
  VolumeDef volume;
  std::string path = PartitionPath(pool, partition.number);
  volume.name = NameOf(path);
  volume.type = model::VolumeType::kBlock;
  volume.formats = model::VolumeFormats::kPartitions;
  if (partition.kind == PartitionKind::kExtended) volume.partition = model::PartitionFormat::kExtended;
  volume.extents.push_back({DeviceOf(pool), partition.start, partition.end});
  volume.target.path = volume.key = StablePath(pool.target_path, path);
  MeasureDevice(volume);
  // The kernel shows no more of an extended one than its table.
  volume.capacity = partition.end - partition.start;
  volume.allocation = partition.kind == PartitionKind::kExtended ? 0 : volume.capacity;
  return volume;
}

// Blocks.
std::vector<VolumeDef> Describe(const PoolDef& pool, const PartitionTable& table) {
  std::vector<VolumeDef> volumes;
  for (const Partition& partition : table.partitions) {
    try {
      volumes.push_back(VolumeOf(pool, partition));
    } catch (const Error& error) {
      LogWarn(kSource, "ignoring partition {} of '{}': {}", partition.number, pool.name, error.message);
    }
  }
  return volumes;
}

// All that tables are found by is at the beginning, or is checked against it.
void WipeTable(const std::string& device) {
  constexpr std::size_t kLength = 1 << 20;
  static constexpr char kZeroes[64 << 10] = {};
  Fd fd(open(device.c_str(), O_WRONLY | O_CLOEXEC));
  auto fail = [&](const char* what) { throw SystemError(ErrorDomain::kStorage, fmt::format("{} '{}'", what, device)); };
  if (!fd) fail("Failed to open storage volume with path");
  for (std::size_t done = 0; done < kLength; done += sizeof kZeroes) {
    if (pwrite(fd.get(), kZeroes, sizeof kZeroes, static_cast<off_t>(done)) < 0) fail("Failed to write to storage volume with path");
  }
  if (fsync(fd.get()) < 0) fail("cannot sync data to volume with path");
}

Task<> RequireBuildable(const PoolDef& pool) {
  const std::string& device = DeviceOf(pool);
  DeviceContent content = co_await ProbeDevice(device);
  if (content.empty()) co_return;
  if (PoolFormatOf(content.partition_table == "dos" ? "msdos" : content.partition_table) == WantedFormat(pool)) {
    Fail(ErrorCode::kStoragePoolBuilt, fmt::format("Device '{}' already formatted using '{}'", device, WantedFormat(pool)));
  }
  Fail(ErrorCode::kStoragePoolBuilt,
       fmt::format("Format of device '{}' does not match the expected format '{}', forced overwrite is necessary", device, WantedFormat(pool)));
}

class DiskBackend : public Backend {
 public:
  Task<bool> IsUp(const PoolDef& pool) const override {
    auto exists = [path = DeviceOf(pool)] { return FileExists(path); };
    co_return co_await Offload(exists);
  }

  Task<> BringUp(const PoolDef& pool) const override {
    const std::string& device = DeviceOf(pool);
    co_await SettleDevices();
    auto exists = [device] { return FileExists(device); };
    if (!co_await Offload(exists)) Fail(ErrorCode::kInvalidArg, "device path '" + device + "' doesn't exist");
    DeviceContent content = co_await ProbeDevice(device);
    if (content.empty()) Fail(ErrorCode::kStorageProbeFailed, "Device '" + device + "' is unrecognized, requires build");
    PartitionTable table = co_await Table(pool);
    if (PoolFormatOf(table.label) != WantedFormat(pool)) {
      Fail(ErrorCode::kOperationInvalid, fmt::format("Format of device '{}' does not match the expected format '{}'", device, WantedFormat(pool)));
    }
  }

  Task<PoolContents> Look(const PoolDef& pool) const override {
    co_await SettleDevices();
    PartitionTable table = co_await Table(pool);
    auto describe = [copy = pool, table] { return Describe(copy, table); };
    PoolContents contents;
    contents.volumes = co_await Offload(describe);
    model::PoolSource& source = contents.source.emplace(pool.source);
    source.devices[0].free_extents = table.free;
    if (pool.source.format == 0) source.format = 1;  // dos
    for (auto& room : table.free) {
      contents.available += room.end - room.start;
      contents.capacity = std::max(contents.capacity, room.end);
    }
    for (auto& partition : table.partitions) contents.capacity = std::max(contents.capacity, partition.end);
    for (auto& volume : contents.volumes) contents.allocation += volume.allocation;
    co_return contents;
  }

  Task<> Build(const PoolDef& pool, unsigned flags) const override {
    if (!(flags & kBuildOverwrite)) co_await RequireBuildable(pool);
    auto wipe = [device = DeviceOf(pool)] { WipeTable(device); };
    co_await Offload(wipe);
    std::vector<std::string> argv{"parted", DeviceOf(pool), "mklabel", "--script", std::string(LabelOf(WantedFormat(pool)))};
    co_await RunTool(std::move(argv));
    co_await SettleDevices();
  }

  Task<> Delete(const PoolDef& pool) const override {
    auto wipe = [device = DeviceOf(pool)] { WipeTable(device); };
    co_await Offload(wipe);
  }

  model::VolumeFormats formats() const override { return model::VolumeFormats::kPartitions; }
  bool volumes_depend() const override { return true; }

  void PlaceVolume(const PoolDef& pool, VolumeDef& volume) const override {
    PlaceInDirectory(pool, volume);
    volume.type = model::VolumeType::kBlock;
    if (volume.target.encryption) Fail(ErrorCode::kNoSupport, "storage pool does not support encrypted volumes");
  }

  Task<VolumeDef> MakeVolume(const PoolDef& pool, const VolumeDef& volume, const VolumeDef* input, unsigned flags) const override {
    PartitionTable table = co_await Table(pool);
    PartitionPlan plan = PlanPartition(table, volume.partition, volume.capacity);
    std::string path = PartitionPath(pool, plan.number);
    // A partition's name is not ours to choose.
    if (volume.name != NameOf(path)) {
      Fail(ErrorCode::kInvalidArg, fmt::format("invalid partition name '{}', expected '{}'", volume.name, NameOf(path)));
    }
    std::vector<std::string> argv{"parted", DeviceOf(pool), "mkpart", "--script"};
    for (auto& argument : PartitionArguments(table, plan, volume.partition)) argv.push_back(argument);
    co_await RunTool(std::move(argv));
    std::exception_ptr failure;
    VolumeDef made;
    try {
      co_await SettleDevices();
      auto describe = [copy = pool, partition = Partition{plan.number, plan.kind, plan.start, plan.end}] { return VolumeOf(copy, partition); };
      made = co_await Offload(describe);
      made.partition = volume.partition;
      if (input) co_await FillDevice(made, *input, flags);
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) co_return made;
    co_await Remove(pool, std::to_string(plan.number));
    std::rethrow_exception(failure);
  }

  Task<> DeleteVolume(const PoolDef& pool, const VolumeDef& volume) const override {
    // The number is what the name has more than the device's.
    std::string device = NameOf(DeviceOf(pool)), number = volume.name.starts_with(device) ? volume.name.substr(device.size()) : "";
    if (number.starts_with('p')) number.erase(0, 1);
    if (number.empty() || number.find_first_not_of("0123456789") != number.npos) {
      Fail(ErrorCode::kInternalError, "'" + volume.name + "' is no partition of device '" + DeviceOf(pool) + "'");
    }
    co_await Remove(pool, std::move(number));
    co_await SettleDevices();
  }

 private:
  static Task<> Remove(const PoolDef& pool, std::string number) {
    std::vector<std::string> argv{"parted", DeviceOf(pool), "rm", "--script", std::move(number)};
    co_await RunTool(std::move(argv));
  }
};

constinit const DiskBackend kDisk;

}  // namespace

constinit const Backend& kDiskPools = kDisk;

}  // namespace bv::storage
