#include "storage/backend.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "storage/image_tool.h"
#include "storage/volume_scan.h"

namespace bv::storage {

using model::PoolDef;
using model::PoolType;

namespace {

constexpr unsigned kFormatAuto = 0, kNetfsGluster = 2, kNetfsCifs = 3;
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
  contents.permissions = {info.st_mode & 0777, info.st_uid, info.st_gid, pool.permissions.label};
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
  if (!overwrite) {
    // blkid exits with 2 where it knows nothing that is on the device.
    Command probe;
    probe.argv = {"blkid", "-p", device};
    auto result = co_await Run(probe);
    constexpr int kNothingFound = 2;
    if (!WIFEXITED(result.status) || WEXITSTATUS(result.status) != kNothingFound) {
      Fail(ErrorCode::kStoragePoolBuilt, "device '" + device + "' has something on it already, or cannot be looked at");
    }
  }
  std::vector<std::string> argv{"mkfs", "-t", format};
  if (format == "xfs") argv.push_back("-f");
  argv.push_back(device);
  co_await RunTool(std::move(argv));
}

}  // namespace

bool HasBackend(PoolType type) {
  switch (type) {
    case PoolType::kIscsiDirect:
    case PoolType::kRbd:
    case PoolType::kSheepdog:
    case PoolType::kGluster:
    case PoolType::kZfs:
    case PoolType::kVstorage: return false;
    default: return true;
  }
}

void RequireBackend(PoolType type) {
  if (HasBackend(type)) return;
  Fail(ErrorCode::kInternalError, fmt::format("missing backend for pool type {} ({})", static_cast<int>(type), model::ToString(type)));
}

bool HasDirectory(PoolType type) { return type == PoolType::kDir || type == PoolType::kFs || type == PoolType::kNetfs; }

bool IsUp(const PoolDef& pool) {
  if (pool.type == PoolType::kDir) return FileExists(pool.target_path);
  return HasDirectory(pool.type) && !MountedAt(pool.target_path).empty();
}

Task<> BringUp(const PoolDef& pool) {
  if (!HasDirectory(pool.type)) {
    Fail(ErrorCode::kNoSupport, fmt::format("pools of type '{}' can be defined here, but not started", model::ToString(pool.type)));
  }
  if (pool.type == PoolType::kDir) co_return;
  auto mounted = [path = pool.target_path] { return MountedAt(path); };
  auto there = co_await Offload(mounted);
  if (there == MountSource(pool)) co_return;
  if (!there.empty()) Fail(ErrorCode::kOperationFailed, fmt::format("Target '{}' is already mounted", pool.target_path));
  co_await RunTool(MountCommand(pool));
}

Task<> TakeDown(const PoolDef& pool) {
  if (pool.type == PoolType::kDir || !HasDirectory(pool.type)) co_return;
  auto mounted = [path = pool.target_path] { return !MountedAt(path).empty(); };
  if (!co_await Offload(mounted)) co_return;
  std::vector<std::string> argv{"umount", pool.target_path};
  co_await RunTool(std::move(argv));
}

Task<PoolContents> Look(const PoolDef& pool) {
  auto look = [copy = pool] { return LookAtDirectory(copy); };
  co_return co_await Offload(look);
}

Task<> Build(const PoolDef& pool, unsigned flags) {
  if ((flags & kBuildOverwrite) && (flags & kBuildNoOverwrite)) {
    throw VerbatimError(ErrorDomain::kStorage, ErrorCode::kInvalidArg,
                        "Flags 'VIR_STORAGE_POOL_BUILD_OVERWRITE' and 'VIR_STORAGE_POOL_BUILD_NO_OVERWRITE' are mutually exclusive");
  }
  if (pool.type == PoolType::kLogical || pool.type == PoolType::kDisk) {
    Fail(ErrorCode::kNoSupport, fmt::format("pools of type '{}' can be defined here, but not built", model::ToString(pool.type)));
  }
  if (!HasDirectory(pool.type)) co_return;  // what they are made of is made elsewhere
  auto make = [copy = pool] { MakeTarget(copy); };
  co_await Offload(make);
  if (pool.type == PoolType::kFs && flags) co_await MakeFileSystem(pool, flags & kBuildOverwrite);
}

Task<> Delete(const PoolDef& pool) {
  if (!HasDirectory(pool.type)) Fail(ErrorCode::kNoSupport, "pool does not support pool deletion");
  auto remove = [path = pool.target_path] {
    if (rmdir(path.c_str()) < 0) throw SystemError(ErrorDomain::kStorage, "failed to remove pool '" + path + "'");
  };
  co_await Offload(remove);
}

Task<std::string> FindSources(const std::string& type, const std::string& specification) {
  auto known = model::FromString<PoolType>(type);
  if (!known) Fail(ErrorCode::kInternalError, "unknown storage pool type " + type);
  RequireBackend(*known);
  if (*known != PoolType::kNetfs) Fail(ErrorCode::kNoSupport, fmt::format("pool type '{}' does not support source discovery", type));
  model::PoolSource asked;
  if (!specification.empty()) asked = model::ParsePoolSource(specification, *known);
  if (asked.hosts.size() != 1) Fail(ErrorCode::kInvalidArg, "hostname must be specified for netfs sources");
  Command command;
  command.argv = {"showmount", "--no-headers", "--exports", asked.hosts[0].name};
  auto result = co_await Run(command);
  if (!result.ok()) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                fmt::format("the program ({}) {}: {}", fmt::join(command.argv, " "), result.Describe(), result.errors));
  }
  std::vector<model::PoolSource> sources;
  for (std::string_view line : SplitAt(result.output, '\n')) {
    if (!line.starts_with('/')) continue;
    model::PoolSource& found = sources.emplace_back();
    found.hosts.push_back({asked.hosts[0].name, 0});
    found.dir = Words(line)[0];
    found.format = 1;  // nfs
  }
  co_return model::FormatPoolSources(sources, *known);
}

}  // namespace bv::storage
