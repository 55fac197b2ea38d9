#include "qemu/storage_chain.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/wait.h"
#include "daemon/volume_finder.h"
#include "host/image_probe.h"
#include "model/domain/domain.h"

namespace bv::qemu {
namespace {

using model::StorageFormat;
using model::StorageSource;
using model::StorageType;

// libvirt's limit on the length of chains.
constexpr int kDeepest = 200;

bool IsLocal(const StorageSource& source) {
  return (source.type == StorageType::kFile || source.type == StorageType::kBlock) && source.fdgroup.empty();
}

void CheckAccess(const std::string& path, bool as_guest, uid_t uid, gid_t gid) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return;
  auto as = as_guest ? fmt::format(" (as uid:{}, gid:{})", uid, gid) : std::string();
  throw SystemError(ErrorDomain::kStorage, errno, fmt::format("Cannot access storage file '{}'{}", path, as));
}

// Where `name`, as image `above` has it, is.
std::string BackingPath(const std::string& above, const std::string& name) {
  if (name.starts_with('/')) return name;
  auto slash = above.rfind('/');
  return slash == std::string::npos ? name : above.substr(0, slash + 1) + name;
}

// An image's name for what lies below it: a path, "file:PATH", or something on the network that only
// QEMU opens ("json:{...}", "nbd://..."), for which the chain is left to it.
bool IsFileName(std::string_view name) {
  if (name.starts_with("json:")) return false;
  auto colon = name.find(':');
  return colon == std::string_view::npos || name.find('/') < colon || name.starts_with("file:");
}

std::unique_ptr<StorageSource> Terminator() { return std::make_unique<StorageSource>(); }

struct Found {
  std::string path;
  StorageFormat format;
  bool is_block;
};

// The images below `path`, nearest first. Blocks.
std::vector<Found> FollowHeaders(std::string path, StorageFormat format) {
  std::vector<Found> chain;
  while (static_cast<int>(chain.size()) < kDeepest) {
    auto header = ProbeImage(path, format);
    if (!header || header->backing.empty() || !IsFileName(header->backing)) return chain;
    auto name = header->backing.starts_with("file:") ? header->backing.substr(5) : header->backing;
    auto below = BackingPath(path, name);
    CheckAccess(below, false, 0, 0);
    if (header->backing_format == StorageFormat::kNone) {
      // An image that a guest may have written must not choose its own format.
      auto guess = DetectImageFormat(below);
      if (guess != StorageFormat::kRaw)
        throw Error(ErrorDomain::kStorage, ErrorCode::kOperationFailed,
                    fmt::format("format of backing image '{}' of image '{}' was not specified in the image metadata "
                                "(See https://libvirt.org/kbase/backing_chains.html for troubleshooting)",
                                below, path));
      header->backing_format = StorageFormat::kRaw;
    }
    struct stat info{};
    stat(below.c_str(), &info);
    chain.push_back({below, header->backing_format, S_ISBLK(info.st_mode)});
    path = below;
    format = header->backing_format;
  }
  throw Error(ErrorDomain::kStorage, ErrorCode::kOperationUnsupported,
              fmt::format("backing chain of '{}' is too deep", chain.empty() ? path : chain[0].path));
}

}  // namespace

// A volume becomes the file, device or directory that it is.
static Task<> LocateVolume(StorageSource* source) {
  using Kind = VolumeFinder::Found::Kind;
  const model::VolumeSource& volume = *source->volume;
  auto found = co_await VolumeFinder::Find(volume.pool, volume.volume);
  auto refuse = [](ErrorCode code, const char* text) { throw Error(ErrorDomain::kStorage, code, text); };
  if (volume.mode != model::VolumeSource::Mode::kDefault) {
    refuse(ErrorCode::kXmlError, "disk source mode is only valid when storage pool is of iscsi type");
  }
  if (source->startup_policy != model::StartupPolicy::kDefault && found.kind != Kind::kFile) {
    refuse(ErrorCode::kXmlError, "'startupPolicy' is only valid for 'file' type volume");
  }
  switch (found.kind) {
    case Kind::kFile: source->type = StorageType::kFile; break;
    case Kind::kBlock: source->type = StorageType::kBlock; break;
    case Kind::kDirectory: source->type = StorageType::kDir; break;
    case Kind::kOther: refuse(ErrorCode::kInternalError, "volumes of this type cannot be disks");
  }
  source->path = std::move(found.path);
}

Task<> ResolveChain(StorageSource* top, const QemuConfig& config) {
  if (top->IsEmpty()) co_return;
  if (top->type == StorageType::kVolume) co_await LocateVolume(top);
  auto* last = top;
  // What the definition spells out is taken as it is; only its open end is looked at.
  while (last->backing && !last->backing->IsTerminator()) last = last->backing.get();
  bool open_ended = !last->backing;
  bool local = IsLocal(*last);
  std::string path = last->path;
  auto format = last->format;
  auto uid = config.uid;
  auto gid = config.gid;
  if (local) {
    bool cdrom_like = top->readonly;
    auto work = [=]() -> std::vector<Found> {
      CheckAccess(path, !cdrom_like, uid, gid);
      if (!open_ended || format == StorageFormat::kRaw) return {};
      return FollowHeaders(path, format);
    };
    auto below = co_await Offload(std::move(work));
    for (auto& image : below) {
      auto source = std::make_unique<StorageSource>();
      source->type = image.is_block ? StorageType::kBlock : StorageType::kFile;
      source->path = image.path;
      source->format = image.format;
      source->readonly = true;
      last->backing = std::move(source);
      last = last->backing.get();
    }
  }
  if (!last->backing) last->backing = Terminator();
}

Task<> ResolveChains(model::DomainDef& def, const QemuConfig& config) {
  for (std::size_t i = 0; i < def.disks.size(); ++i) {
    auto* disk = def.disks[i].get();
    auto policy = disk->source.startup_policy;
    if (policy != model::StartupPolicy::kDefault && policy != model::StartupPolicy::kMandatory && IsLocal(disk->source) &&
        !disk->source.path.empty() && access(disk->source.path.c_str(), F_OK) != 0) {
      if (disk->device == model::DiskDevice::kDisk) {
        def.disks.erase(def.disks.begin() + static_cast<std::ptrdiff_t>(i--));
      } else {
        disk->source.path.clear();
        disk->source.type = StorageType::kFile;
      }
      continue;
    }
    co_await ResolveChain(&disk->source, config);
  }
}

unsigned LastNode(const model::DomainDef& def) {
  unsigned last = 0;
  for (auto& disk : def.disks) {
    for (auto* image = &disk->source; image; image = image->backing.get()) last = std::max(last, image->id);
  }
  return last;
}

}  // namespace bv::qemu
