// Pools whose volumes are the files of a directory, mounted or not.

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "base/wait.h"
#include "storage/backend.h"
#include "storage/device_probe.h"
#include "storage/raw_volume.h"
#include "storage/tool.h"
#include "storage/volume_build.h"
#include "storage/volume_scan.h"

namespace bv::storage {

using model::PoolDef;
using model::PoolType;
using model::VolumeDef;

namespace {

constexpr unsigned kFormatAuto = 0, kNetfsNfs = 1, kNetfsGluster = 2, kNetfsCifs = 3;
constexpr std::uint32_t kDirectoryMode = 0711;

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

std::string MountSource(const PoolDef& pool) {
  if (pool.type == PoolType::kFs) return pool.source.devices.at(0).path;
  const std::string& host = pool.source.hosts.at(0).name;
  if (pool.source.format == kNetfsCifs) return "//" + host + pool.source.dir;
  if (pool.source.format == kNetfsGluster) return host + ":" + pool.source.dir;
  return host + ":" + pool.source.dir;
}

// The last thing mounted at `path`, as the kernel lists it; empty when there is none.
std::string MountedAt(const std::string& path) {
  std::string source;
  std::string table = ReadFile("/proc/mounts");
  for (std::string_view line : SplitAt(table, '\n')) {
    auto words = Words(line);
    if (words.size() > 1 && words[1] == path) source = words[0];
  }
  return source;
}

std::vector<std::string> MountCommand(const PoolDef& pool) {
  std::vector<std::string> argv{"mount"};
  std::vector<std::string> options{"nodev", "nosuid", "noexec"};
  if (pool.type == PoolType::kNetfs && pool.source.format == kNetfsCifs) options.push_back("guest");
  if (pool.type == PoolType::kNetfs && pool.source.format == kNetfsGluster) options.push_back("direct-io-mode=1");
  if (!pool.source.protocol_version.empty()) options.push_back("nfsvers=" + pool.source.protocol_version);
  for (auto& option : pool.mount_options) options.push_back(option);
  argv.insert(argv.end(), {"-o", fmt::format("{}", fmt::join(options, ","))});
  if (pool.type == PoolType::kFs) argv.insert(argv.end(), {"-t", std::string(pool.format_name())});
  else if (pool.source.format != kFormatAuto) argv.insert(argv.end(), {"-t", std::string(pool.format_name())});
  argv.insert(argv.end(), {MountSource(pool), pool.target_path});
  return argv;
}

PoolContents LookAtDirectory(const PoolDef& pool) {
  PoolContents contents;
  contents.volumes = ScanDirectory(pool.target_path);
  struct stat info;
  struct statvfs space;
  if (stat(pool.target_path.c_str(), &info) < 0) throw SystemError(ErrorDomain::kStorage, "cannot stat file '" + pool.target_path + "'");
  if (statvfs(pool.target_path.c_str(), &space) < 0) throw SystemError(ErrorDomain::kStorage, "cannot statvfs path '" + pool.target_path + "'");
  contents.capacity = space.f_frsize * space.f_blocks;
  contents.available = space.f_frsize * space.f_bfree;
  contents.allocation = contents.capacity - contents.available;
  contents.permissions.emplace(model::StoragePermissions{info.st_mode & 0777, info.st_uid, info.st_gid, pool.permissions.label});
  return contents;
}

void MakeTarget(const PoolDef& pool) {
  const std::string& path = pool.target_path;
  if (auto slash = path.rfind('/'); slash != path.npos && slash > 0) MakeDirs(path.substr(0, slash));
  auto fail = [&](const char* what) { throw SystemError(ErrorDomain::kStorage, fmt::format("{} '{}'", what, path)); };
  bool made = mkdir(path.c_str(), kDirectoryMode) == 0;
  if (!made && errno != EEXIST) fail("cannot create path");
  auto& permissions = pool.permissions;
  if ((permissions.owner || permissions.group) &&
      chown(path.c_str(), permissions.owner.value_or(static_cast<uid_t>(-1)), permissions.group.value_or(static_cast<gid_t>(-1))) < 0) {
    fail("cannot change the owner of");
  }
  if ((made || permissions.mode) && chmod(path.c_str(), permissions.mode.value_or(kDirectoryMode)) < 0) fail("cannot set the mode of");
}

// Puts a file system on the device of an `fs` pool.
Task<> MakeFileSystem(const PoolDef& pool, bool overwrite) {
  std::string device = pool.source.devices.at(0).path;
  auto exists = [device] { return FileExists(device); };
  if (!co_await Offload(exists)) {
    Fail(ErrorCode::kOperationInvalid, "Source device does not exist when formatting pool '" + pool.name + "'");
  }
  std::string format(pool.format_name());
  if (!overwrite) co_await RequireEmpty(device);
  std::vector<std::string> argv{"mkfs", "-t", format};
  if (format == "xfs") argv.push_back("-f");
  argv.push_back(device);
  co_await RunTool(std::move(argv));
}

class DirectoryBackend : public Backend {
 public:
  Task<bool> IsUp(const PoolDef& pool) const override {
    auto exists = [path = pool.target_path] { return FileExists(path); };
    co_return co_await Offload(exists);
  }

  Task<PoolContents> Look(const PoolDef& pool) const override {
    auto look = [copy = pool] { return LookAtDirectory(copy); };
    co_return co_await Offload(look);
  }

  Task<> Build(const PoolDef& pool, unsigned) const override {
    auto make = [copy = pool] { MakeTarget(copy); };
    co_await Offload(make);
  }

  Task<> Delete(const PoolDef& pool) const override {
    auto remove = [path = pool.target_path] {
      if (rmdir(path.c_str()) < 0) throw SystemError(ErrorDomain::kStorage, "failed to remove pool '" + path + "'");
    };
    co_await Offload(remove);
  }

  model::VolumeFormats formats() const override { return model::VolumeFormats::kImages; }

  void PlaceVolume(const PoolDef& pool, VolumeDef& volume) const override { PlaceInDirectory(pool, volume); }

  Task<VolumeDef> MakeVolume(const PoolDef&, const VolumeDef& volume, const VolumeDef* input, unsigned flags) const override {
    const std::string& path = volume.target.path;
    auto exists = [path] { return access(path.c_str(), F_OK) == 0; };
    if (co_await Offload(exists)) Fail(ErrorCode::kOperationInvalid, "volume target path '" + path + "' already exists");
    co_await BuildVolume(volume, input, flags);
    auto update = [made = volume]() mutable {
      UpdateVolume(made);
      return made;
    };
    co_return co_await Offload(update);
  }

  Task<> DeleteVolume(const PoolDef&, const VolumeDef& volume) const override { co_await RemoveVolume(volume); }

  Task<> ResizeVolume(const VolumeDef& volume, std::uint64_t capacity, unsigned flags) const override {
    co_await storage::ResizeVolume(volume, capacity, flags);
  }
};

class MountedBackend : public DirectoryBackend {
 public:
  Task<bool> IsUp(const PoolDef& pool) const override {
    auto mounted = [path = pool.target_path] { return !MountedAt(path).empty(); };
    co_return co_await Offload(mounted);
  }

  Task<> BringUp(const PoolDef& pool) const override {
    auto mounted = [path = pool.target_path] { return MountedAt(path); };
    auto there = co_await Offload(mounted);
    if (there == MountSource(pool)) co_return;
    if (!there.empty()) Fail(ErrorCode::kOperationFailed, fmt::format("Target '{}' is already mounted", pool.target_path));
    co_await RunTool(MountCommand(pool));
  }

  Task<> TakeDown(const PoolDef& pool) const override {
    if (!co_await IsUp(pool)) co_return;
    std::vector<std::string> argv{"umount", pool.target_path};
    co_await RunTool(std::move(argv));
  }

  Task<> Build(const PoolDef& pool, unsigned flags) const override {
    co_await DirectoryBackend::Build(pool, flags);
    if (pool.type == PoolType::kFs && flags) co_await MakeFileSystem(pool, flags & kBuildOverwrite);
  }

  // Exports of a server.
  Task<std::vector<model::PoolSource>> FindSources(PoolType type, const std::string& specification) const override {
    std::vector<model::PoolSource> sources;
    if (type != PoolType::kNetfs) co_return co_await Backend::FindSources(type, specification);
    model::PoolSource asked;
    if (!specification.empty()) asked = model::ParsePoolSource(specification, type);
    if (asked.hosts.size() != 1) Fail(ErrorCode::kInvalidArg, "hostname must be specified for netfs sources");
    std::vector<std::string> argv{"showmount", "--no-headers", "--exports", asked.hosts[0].name};
    std::string output = co_await RunTool(std::move(argv));
    for (std::string_view line : SplitAt(output, '\n')) {
      if (!line.starts_with('/')) continue;
      model::PoolSource& found = sources.emplace_back();
      found.hosts.push_back({asked.hosts[0].name, 0});
      found.dir = Words(line)[0];
      found.format = kNetfsNfs;
    }
    co_return sources;
  }
};

constinit const DirectoryBackend kDirectory;
constinit const MountedBackend kMounted;

}  // namespace

constinit const Backend& kDirectoryPools = kDirectory;
constinit const Backend& kFileSystemPools = kMounted;

}  // namespace bv::storage
