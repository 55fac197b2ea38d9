#include "storage/scsi_units.h"

#include <vector>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/wait.h"
#include "host/kernel_files.h"
#include "storage/device_probe.h"
#include "storage/volume_scan.h"

namespace bv::storage {

using model::PoolDef;
using model::VolumeDef;

namespace {

constexpr const char* kSource = "storage.storage_backend_scsi";
constexpr const char* kDevices = "/sys/bus/scsi/devices/";
constexpr const char* kScsiId = "/lib/udev/scsi_id";

struct Unit {
  std::string name;    // of the volume
  std::string device;  // "/dev/sda"
};

// Peripheral device types, of SPC-4: what has blocks.
bool HasBlocks(std::uint64_t type) {
  constexpr std::uint64_t kDisk = 0, kOptical = 5;
  return type == kDisk || type == kOptical;
}

// "3:0:0:1" to "unit:0:0:1" for host 3; empty for others.
std::string UnitName(const std::string& address, unsigned host) {
  std::string prefix = std::to_string(host) + ":";
  if (!address.starts_with(prefix)) return {};
  return "unit:" + address.substr(prefix.size());
}

std::vector<Unit> UnitsOf(unsigned host) {
  host::KernelFiles files;
  std::vector<Unit> units;
  for (const std::string& address : files.Names(kDevices)) {
    std::string name = UnitName(address, host);
    if (name.empty() || !HasBlocks(files.ReadNumber(kDevices + address + "/type").value_or(UINT64_MAX))) continue;
    auto blocks = files.Names(kDevices + address + "/block");
    if (!blocks.empty()) units.push_back({name, "/dev/" + blocks[0]});
  }
  return units;
}

// Empty where the device or the host does not know.
Task<std::string> SerialOf(std::string device) {
  auto exists = [] { return FileExists(kScsiId); };
  if (!co_await Offload(exists)) co_return "";
  Command command;
  command.argv = {kScsiId, "--replace-whitespace", "--whitelisted", "--device", device};
  auto result = co_await Run(command);
  if (!result.ok()) co_return "";
  co_return result.output.substr(0, result.output.find('\n'));
}

}  // namespace

Task<std::optional<VolumeDef>> WholeDevice(const PoolDef& pool, std::string device, std::string name) {
  auto measure = [directory = pool.target_path, device, name]() -> std::optional<VolumeDef> {
    VolumeDef volume;
    volume.type = model::VolumeType::kBlock;
    volume.formats = model::VolumeFormats::kNone;
    volume.name = name;
    volume.target.path = StablePath(directory, device);
    if (volume.target.path == device && directory != "/dev") return std::nullopt;
    try {
      MeasureDevice(volume);
    } catch (const Error& error) {
      LogWarn(kSource, "ignoring device '{}': {}", device, error.message);
      return std::nullopt;
    }
    return volume;
  };
  auto volume = co_await Offload(measure);
  if (!volume) co_return volume;
  volume->key = co_await SerialOf(volume->target.path);
  if (volume->key.empty()) volume->key = volume->target.path;
  co_return volume;
}

Task<PoolContents> LookAtScsiHost(const PoolDef& pool, unsigned host) {
  auto list = [host] { return UnitsOf(host); };
  auto units = co_await Offload(list);
  PoolContents contents;
  for (const Unit& unit : units) {
    auto volume = co_await WholeDevice(pool, unit.device, unit.name);
    if (!volume) continue;
    contents.capacity += volume->capacity;
    contents.allocation += volume->allocation;
    contents.volumes.push_back(std::move(*volume));
  }
  co_return contents;
}

}  // namespace bv::storage
