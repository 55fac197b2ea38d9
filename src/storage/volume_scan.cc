#include "storage/volume_scan.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "host/image_probe.h"

namespace bv::storage {

using model::StorageFormat;
using model::VolumeDef;
using model::VolumeImage;
using model::VolumeType;

namespace {

constexpr const char* kSource = "storage.storage_util";

void SetWho(VolumeImage& image, const struct stat& info) {
  std::string label = std::move(image.permissions.label);
  image.permissions = {info.st_mode & 0777, info.st_uid, info.st_gid, std::move(label)};
  auto time = [](const timespec& t) { return model::Timestamp{t.tv_sec, static_cast<std::uint32_t>(t.tv_nsec)}; };
  image.timestamps = {time(info.st_atim), time(info.st_mtim), time(info.st_ctim), {}};
}

void SetSizes(VolumeDef& volume, int fd, const struct stat& info) {
  if (S_ISDIR(info.st_mode)) {
    volume.capacity = volume.allocation = volume.physical = 0;
  } else if (S_ISREG(info.st_mode)) {
    volume.capacity = volume.physical = static_cast<std::uint64_t>(info.st_size);
    volume.allocation = static_cast<std::uint64_t>(info.st_blocks) * 512;
  } else {
    auto end = lseek(fd, 0, SEEK_END);
    volume.capacity = volume.allocation = volume.physical = end > 0 ? static_cast<std::uint64_t>(end) : 0;
  }
}

// The file in a backing name of QEMU's JSON kind, as far as it is one.
std::string FileInJson(const std::string& name) {
  try {
    Json json = Json::Parse(std::string_view(name).substr(5));
    for (const char* key : {"file.filename", "filename"}) {
      if (auto path = json.Find(key).AsString()) return *path;
    }
    if (auto path = json.Find("file").Find("filename").AsString()) return *path;
  } catch (const Error&) {
  }
  return name;
}

// Where the image that `above` names as `name` is. What is not a file keeps its name.
std::string BackingPath(const std::string& above, std::string name) {
  if (name.starts_with("json:")) return FileInJson(name);
  if (name.starts_with("file:")) name.erase(0, 5);
  auto colon = name.find(':');
  if (name.starts_with('/') || (colon != name.npos && name.find('/') > colon)) return name;
  return above.substr(0, above.rfind('/') + 1) + name;
}

void ScanBacking(VolumeDef& volume, const ImageHeader& header) {
  VolumeImage& below = volume.backing.emplace();
  below.path = BackingPath(volume.target.path, header.backing);
  below.format = header.backing_format;
  struct stat info;
  bool there = below.path.starts_with('/') && stat(below.path.c_str(), &info) == 0;
  if (there) SetWho(below, info);
  if (below.format != StorageFormat::kNone) return;
  below.format = StorageFormat::kRaw;
  if (!there || !(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) return;
  try {
    below.format = DetectImageFormat(below.path);
  } catch (const Error&) {
    // Nobody may read it: raw is as good a name as any.
  }
}

void ScanImage(VolumeDef& volume, int fd) {
  VolumeImage& image = volume.target;
  image.format = DetectImageFormat(fd);
  auto header = ProbeImage(fd, image.format);
  if (!header) {
    image.format = StorageFormat::kRaw;
    return;
  }
  if (image.format == StorageFormat::kLuks) image.format = StorageFormat::kRaw;
  if (header->capacity) volume.capacity = header->capacity;
  image.cluster_size = header->cluster_size;
  if (header->encrypted) image.encryption.emplace().format = header->encryption;
  if (header->version3) {
    image.compat = "1.1";
    image.features = {header->lazy_refcounts, header->extended_l2};
  }
  if (!header->backing.empty()) ScanBacking(volume, *header);
}

// A directory that the tools of Virtuozzo made.
bool IsPloop(const std::string& path) { return FileExists(path + "/root.hds") && FileExists(path + "/DiskDescriptor.xml"); }

}  // namespace

std::optional<VolumeDef> ScanVolume(const std::string& path, const std::string& name) {
  struct stat info;
  // Before it is opened: a pipe would wait for its other end, a device may do anything.
  if (stat(path.c_str(), &info) < 0 || !(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode) || S_ISDIR(info.st_mode))) return std::nullopt;
  Fd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ELOOP) return std::nullopt;
    throw SystemError(ErrorDomain::kStorage, "cannot open volume '" + path + "'");
  }
  if (fstat(fd.get(), &info) < 0) throw SystemError(ErrorDomain::kStorage, "cannot stat file '" + path + "'");
  VolumeDef volume;
  volume.name = name;
  volume.key = volume.target.path = path;
  SetSizes(volume, fd.get(), info);
  SetWho(volume.target, info);
  if (S_ISDIR(info.st_mode)) {
    bool ploop = IsPloop(path);
    volume.type = ploop ? VolumeType::kPloop : VolumeType::kDir;
    volume.target.format = ploop ? StorageFormat::kPloop : StorageFormat::kDir;
  } else {
    volume.type = S_ISBLK(info.st_mode) ? VolumeType::kBlock : VolumeType::kFile;
    ScanImage(volume, fd.get());
  }
  return volume;
}

std::vector<VolumeDef> ScanDirectory(const std::string& path) {
  Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) throw SystemError(ErrorDomain::kNone, "cannot open directory '" + path + "'");
  std::vector<VolumeDef> volumes;
  for (const std::string& name : ListDirectory(path)) {
    if (name.find('\n') != name.npos) {
      LogWarn(kSource, "ignoring a file whose name has a line break in '{}'", path);
      continue;
    }
    try {
      if (auto volume = ScanVolume(path + (path.ends_with('/') ? "" : "/") + name, name)) volumes.push_back(std::move(*volume));
    } catch (const Error& error) {
      LogWarn(kSource, "ignoring volume '{}' in '{}': {}", name, path, error.message);
    }
  }
  return volumes;
}

void MeasureDevice(VolumeDef& volume) {
  Fd fd(open(volume.target.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info;
  if (!fd || fstat(fd.get(), &info) < 0) throw SystemError(ErrorDomain::kStorage, "cannot open volume '" + volume.target.path + "'");
  SetSizes(volume, fd.get(), info);
  SetWho(volume.target, info);
}

void MeasureBacking(VolumeImage& image) {
  struct stat info;
  if (image.path.starts_with('/') && stat(image.path.c_str(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) SetWho(image, info);
}

void UpdateVolume(VolumeDef& volume) {
  VolumeImage& image = volume.target;
  Fd fd(open(image.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && errno == ENOENT) throw Error(ErrorDomain::kStorage, ErrorCode::kNoStorageVol, "no storage vol with matching path '" + image.path + "'");
  struct stat info;
  if (!fd || fstat(fd.get(), &info) < 0) throw SystemError(ErrorDomain::kStorage, "cannot open volume '" + image.path + "'");
  SetSizes(volume, fd.get(), info);
  SetWho(image, info);
  image.permissions.label.clear();  // nothing here puts labels on files
  if (!S_ISDIR(info.st_mode)) {
    bool luks = image.format == StorageFormat::kRaw && image.encryption;
    auto header = ProbeImage(fd.get(), luks ? StorageFormat::kLuks : image.format);
    if (header && (header->capacity || luks)) volume.capacity = header->capacity;
  }
  if (volume.backing) MeasureBacking(*volume.backing);
}

}  // namespace bv::storage
