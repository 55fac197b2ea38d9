// Volume groups of LVM: pools whose volumes are logical volumes. What lvm(8) prints is all we know of them.

#include <fcntl.h>
#include <unistd.h>

#include <tuple>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"
#include "storage/backend.h"
#include "storage/device_probe.h"
#include "storage/logical_report.h"
#include "storage/raw_volume.h"
#include "storage/tool.h"
#include "storage/volume_build.h"
#include "storage/volume_scan.h"

namespace bv::storage {

using model::PoolDef;
using model::PoolSource;
using model::PoolType;
using model::VolumeDef;

namespace {

constexpr const char* kSource = "storage.storage_backend_logical";

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

// Programs that may fail: what they were for is done by now, or is tried anyway.
Task<> Try(std::vector<std::string> argv) {
  try {
    co_await RunTool(std::move(argv));
  } catch (const Error& error) {
    LogWarn(kSource, "{}", error.message);
  }
}

Task<std::vector<PoolSource>> Groups() {
  std::vector<std::string> scan{"vgscan"};
  co_await Try(std::move(scan));
  std::vector<std::string> list{"pvs", "--noheadings", "-o", "pv_name,vg_name"};
  std::string output = co_await RunTool(std::move(list));
  co_return ReadPhysicalVolumes(output);
}

Task<std::vector<LogicalVolume>> Volumes(const PoolDef& pool) {
  std::vector<std::string> argv{"lvs",          "--separator", kLogicalSeparator, "--noheadings",         "--units", "b",
                                "--unbuffered", "--nosuffix",  "--options",       kLogicalVolumeColumns, pool.source.name};
  std::string output = co_await RunTool(std::move(argv));
  co_return ReadLogicalVolumes(output);
}

// As the kernel has them now. Blocks.
std::vector<VolumeDef> Describe(const PoolDef& pool, const std::vector<LogicalVolume>& found) {
  std::vector<VolumeDef> volumes;
  for (const LogicalVolume& logical : found) {
    VolumeDef volume = VolumeOf(logical, pool.target_path);
    try {
      MeasureDevice(volume);
      if (volume.backing) MeasureBacking(*volume.backing);
      volumes.push_back(std::move(volume));
    } catch (const Error& error) {
      LogWarn(kSource, "ignoring volume '{}' of '{}': {}", volume.name, pool.name, error.message);
    }
  }
  return volumes;
}

// A whole disk does not become a physical volume while there is something in its first sector.
void BlankFirstSector(const std::string& path) {
  constexpr char kBlank[512] = {};
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kNone, "cannot open device '" + path + "'");
  if (pwrite(fd.get(), kBlank, sizeof kBlank, 0) != static_cast<ssize_t>(sizeof kBlank) || fsync(fd.get()) < 0) {
    throw SystemError(ErrorDomain::kNone, "cannot clear device header of '" + path + "'");
  }
}

Task<> MakePhysicalVolume(std::string path) {
  auto blank = [path] { BlankFirstSector(path); };
  co_await Offload(blank);
  std::vector<std::string> argv{"pvcreate", path};
  co_await RunTool(std::move(argv));
}

class LogicalBackend : public Backend {
 public:
  Task<bool> IsUp(const PoolDef& pool) const override {
    auto exists = [path = pool.target_path] { return FileExists(path); };
    co_return co_await Offload(exists);
  }

  Task<> BringUp(const PoolDef& pool) const override {
    auto groups = co_await Groups();
    CheckGroup(pool.source, groups);
    std::vector<std::string> argv{"vgchange", "-aly", pool.source.name};
    co_await RunTool(std::move(argv));
  }

  Task<> TakeDown(const PoolDef& pool) const override {
    std::vector<std::string> argv{"vgchange", "-aln", pool.source.name};
    co_await RunTool(std::move(argv));
  }

  Task<PoolContents> Look(const PoolDef& pool) const override {
    co_await SettleDevices();
    PoolContents contents;
    auto found = co_await Volumes(pool);
    auto describe = [copy = pool, found] { return Describe(copy, found); };
    contents.volumes = co_await Offload(describe);
    std::vector<std::string> argv{"vgs",          "--separator", ":",         "--noheadings",    "--units",        "b",
                                  "--unbuffered", "--nosuffix",  "--options", "vg_size,vg_free", pool.source.name};
    std::string output = co_await RunTool(std::move(argv));
    std::tie(contents.capacity, contents.available) = ReadGroupSizes(output);
    contents.allocation = contents.capacity - contents.available;
    co_return contents;
  }

  Task<> Build(const PoolDef& pool, unsigned flags) const override {
    std::vector<std::string> group{"vgcreate", pool.source.name};
    for (auto& device : pool.source.devices) {
      if (flags & kBuildNoOverwrite) co_await RequireEmpty(device.path);
      group.push_back(device.path);
    }
    std::vector<std::string> made;
    std::exception_ptr failure;
    try {
      for (auto& device : pool.source.devices) {
        co_await MakePhysicalVolume(device.path);
        made.push_back(device.path);
      }
      co_await RunTool(std::move(group));
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) co_return;
    co_await RemovePhysicalVolumes(std::move(made));
    std::rethrow_exception(failure);
  }

  Task<> Delete(const PoolDef& pool) const override {
    std::vector<std::string> argv{"vgremove", "-f", pool.source.name};
    co_await RunTool(std::move(argv));
    std::vector<std::string> paths;
    for (auto& device : pool.source.devices) paths.push_back(device.path);
    co_await RemovePhysicalVolumes(std::move(paths));
  }

  Task<std::vector<PoolSource>> FindSources(PoolType, const std::string&) const override {
    auto groups = co_await Groups();
    co_return groups;
  }

  void PlaceVolume(const PoolDef& pool, VolumeDef& volume) const override {
    PlaceInDirectory(pool, volume);
    volume.type = model::VolumeType::kBlock;
    if (volume.target.encryption) Fail(ErrorCode::kNoSupport, "storage pool does not support encrypted volumes");
  }

  Task<VolumeDef> MakeVolume(const PoolDef& pool, const VolumeDef& volume, const VolumeDef* input, unsigned flags) const override {
    co_await RunTool(CreateCommand(pool.source.name, volume));
    std::exception_ptr failure;
    VolumeDef made;
    try {
      co_await SettleDevices();
      if (input) co_await FillDevice(volume, *input, flags);
      auto finish = [copy = volume] { SetPermissions(copy); };
      co_await Offload(finish);
      auto found = co_await Volumes(pool);
      std::erase_if(found, [&](auto& logical) { return logical.name != volume.name; });
      auto describe = [copy = pool, found] { return Describe(copy, found); };
      auto described = co_await Offload(describe);
      if (described.empty()) Fail(ErrorCode::kNoStorageVol, "the new volume '" + volume.name + "' is not there");
      made = std::move(described[0]);
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) co_return made;
    std::vector<std::string> remove{"lvremove", "-f", volume.target.path};
    co_await Try(std::move(remove));
    std::rethrow_exception(failure);
  }

  Task<> DeleteVolume(const PoolDef&, const VolumeDef& volume) const override {
    std::vector<std::string> remove{"lvremove", "-f", volume.target.path};
    try {
      co_await RunTool(remove);
      co_return;
    } catch (const Error& error) {
      LogDebug(kSource, "{}", error.message);
    }
    // One that is in use at other hosts goes when it is inactive here.
    std::vector<std::string> deactivate{"lvchange", "-aln", volume.target.path};
    co_await RunTool(std::move(deactivate));
    co_await RunTool(std::move(remove));
  }

 private:
  static Task<> RemovePhysicalVolumes(std::vector<std::string> paths) {
    for (const std::string& path : paths) {
      std::vector<std::string> argv{"pvremove", path};
      co_await Try(std::move(argv));
    }
  }
};

constinit const LogicalBackend kLogical;

}  // namespace

constinit const Backend& kLogicalPools = kLogical;

}  // namespace bv::storage
