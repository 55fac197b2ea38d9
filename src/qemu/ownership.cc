#include "qemu/ownership.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "model/domain/domain.h"
#include "qemu/config.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "security.security_dac";
// Names of libvirt's: "trusted" needs privilege to be seen, so guests' own tools leave them alone.
constexpr const char* kOwnerAttr = "trusted.libvirt.security.dac";
constexpr const char* kCountAttr = "trusted.libvirt.security.ref_dac";
constexpr const char* kTimeAttr = "trusted.libvirt.security.timestamp_dac";

std::optional<std::string> GetAttr(const std::string& path, const char* name) {
  char value[256];
  auto size = getxattr(path.c_str(), name, value, sizeof value);
  if (size < 0) return std::nullopt;
  return std::string(value, static_cast<std::size_t>(size));
}

bool SetAttr(const std::string& path, const char* name, const std::string& value) {
  return setxattr(path.c_str(), name, value.data(), value.size(), 0) == 0;
}

void DropAttrs(const std::string& path) {
  for (auto* name : {kOwnerAttr, kCountAttr, kTimeAttr}) removexattr(path.c_str(), name);
}

// Remembered owners hold for one boot: after a crash of the host nobody is there to count down.
const std::string& BootTime() {
  static const std::string time = [] {
    auto stat = ReadFileIfExists("/proc/stat").value_or("");
    auto at = stat.find("\nbtime ");
    return at == std::string::npos ? std::string("0") : stat.substr(at + 7, stat.find('\n', at + 1) - at - 7);
  }();
  return time;
}

// One more user of the file. False when owners cannot be kept on this file system.
bool Remember(const std::string& path, const struct stat& owner) {
  auto time = GetAttr(path, kTimeAttr);
  if (!time && errno == ENOTSUP) return false;
  if (time && *time != BootTime()) {
    DropAttrs(path);
    time.reset();
  }
  unsigned count = 0;
  if (time) {
    auto text = GetAttr(path, kCountAttr).value_or("0");
    std::from_chars(text.data(), text.data() + text.size(), count);
  }
  if (count == 0 && !SetAttr(path, kOwnerAttr, fmt::format("+{}:+{}", owner.st_uid, owner.st_gid))) return false;
  if (!SetAttr(path, kCountAttr, std::to_string(count + 1))) {
    if (count == 0) DropAttrs(path);
    return false;
  }
  if (count == 0) SetAttr(path, kTimeAttr, BootTime());
  return true;
}

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// One user less; the owner to restore when it was the last, nullopt when others remain.
std::optional<Owner> Recall(const std::string& path) {
  auto text = GetAttr(path, kCountAttr);
  if (!text) return Owner{};  // nothing kept: root, as libvirt has always done
  unsigned count = 0;
  std::from_chars(text->data(), text->data() + text->size(), count);
  if (count > 1) {
    SetAttr(path, kCountAttr, std::to_string(count - 1));
    return std::nullopt;
  }
  Owner owner;
  auto kept = GetAttr(path, kOwnerAttr).value_or("+0:+0");
  auto colon = kept.find(":+");
  if (colon != std::string::npos && kept[0] == '+') {
    std::from_chars(kept.data() + 1, kept.data() + colon, owner.uid);
    std::from_chars(kept.data() + colon + 2, kept.data() + kept.size(), owner.gid);
  }
  DropAttrs(path);
  return owner;
}

void GiveBack(const OwnedFile& file, bool remember_owner) {
  if (!file.remember) return;
  struct stat info;
  if (stat(file.path.c_str(), &info) != 0) return;
  auto owner = remember_owner ? Recall(file.path) : std::optional(Owner{});
  if (owner && chown(file.path.c_str(), owner->uid, owner->gid) != 0)
    LogWarn(kSource, "cannot give '{}' back to {}:{}: {}", file.path, owner->uid, owner->gid, strerror(errno));
}

void AddSource(std::vector<OwnedFile>& files, const model::StorageSource& source, bool top, bool transient) {
  bool local = source.type == model::StorageType::kFile || source.type == model::StorageType::kBlock;
  bool relabel = true;
  for (auto& label : source.seclabels) {
    if ((label.model == "dac" || label.model.empty()) && label.relabel == model::YesNo::kNo) relabel = false;
  }
  if (local && relabel && !source.path.empty() && source.fdgroup.empty())
    files.push_back({source.path, top && !source.readonly && !source.shared && !transient});
}

void AddChardev(std::vector<OwnedFile>& files, const model::ChardevSource& source, bool output_through_logd) {
  using model::ChardevType;
  bool written_by_qemu = source.type == ChardevType::kFile && (!output_through_logd || !source.seclabels.empty());
  // Of a socket that somebody else listens on, as libguestfs does. Those that QEMU listens on are made for it.
  const bool connects = source.type == ChardevType::kUnix && !source.listen && !source.path.empty();
  if (source.type == ChardevType::kDev || written_by_qemu || connects) files.push_back({source.path});
  if (source.type == ChardevType::kPipe) {
    files.push_back({source.path + ".in"});
    files.push_back({source.path + ".out"});
  }
}

}  // namespace

std::vector<OwnedFile> OwnedFiles(const model::StorageSource& source) {
  std::vector<OwnedFile> files;
  AddSource(files, source, true, false);
  // The images below may be shared by many guests: given, never taken back.
  for (auto* image = source.backing.get(); image && !image->IsTerminator(); image = image->backing.get())
    AddSource(files, *image, false, false);
  return files;
}

std::vector<OwnedFile> OwnedFiles(const model::Disk& disk) {
  auto files = OwnedFiles(disk.source);
  if (!files.empty() && (disk.source.shared || disk.source.readonly)) files[0].remember = false;
  return files;
}

std::vector<OwnedFile> OwnedFiles(const model::DomainDef& def, bool output_through_logd) {
  std::vector<OwnedFile> files;
  auto add = [&](const std::string& path) {
    if (!path.empty()) files.push_back({path});
  };
  for (auto& disk : def.disks) {
    auto more = OwnedFiles(*disk);
    files.insert(files.end(), more.begin(), more.end());
  }
  for (auto* chardevs : {&def.serials, &def.parallels, &def.channels}) {
    for (auto& chardev : *chardevs) AddChardev(files, chardev->source, output_through_logd);
  }
  // The first console is the first serial port over again.
  for (auto& console : def.consoles) {
    if (console->console_target != model::ConsoleTarget::kSerial) AddChardev(files, console->source, output_through_logd);
  }
  for (auto& rng : def.rngs) {
    if (rng->backend == model::RngBackend::kEgd) AddChardev(files, rng->source, output_through_logd);
  }
  if (def.os.nvram && def.os.nvram->source.type == model::StorageType::kFile) add(def.os.nvram->source.path);
  if (def.os.loader && def.os.loader->type == model::LoaderType::kPflash && def.os.loader->readonly == model::YesNo::kNo)
    add(def.os.loader->path);
  add(def.os.kernel);
  add(def.os.initrd);
  add(def.os.dtb);
  add(def.os.acpi_table);
  return files;
}

void GiveFiles(const std::vector<OwnedFile>& files, unsigned uid, unsigned gid, bool remember_owner) {
  std::vector<OwnedFile> given;
  for (auto& file : files) {
    struct stat info;
    // What is missing, QEMU will complain about in its own words.
    if (stat(file.path.c_str(), &info) != 0) continue;
    if (file.remember && remember_owner) Remember(file.path, info);
    if (info.st_uid == uid && info.st_gid == gid) {
      given.push_back(file);
      continue;
    }
    if (chown(file.path.c_str(), uid, gid) == 0) {
      given.push_back(file);
      continue;
    }
    int failure = errno;
    // Read-only media and root-squashed NFS: the guest may well be able to read what it cannot own.
    if (failure == EROFS || failure == EOPNOTSUPP || failure == EPERM) {
      LogInfo(kSource, "'{}' stays with {}:{}: {}", file.path, info.st_uid, info.st_gid, strerror(failure));
      continue;
    }
    for (auto& done : given) GiveBack(done, remember_owner);
    throw SystemError(ErrorDomain::kSecurity, failure, fmt::format("unable to set user and group to '{}:{}' on '{}'", uid, gid, file.path));
  }
}

void GiveBackFiles(const std::vector<OwnedFile>& files, bool remember_owner) {
  for (auto& file : files) GiveBack(file, remember_owner);
}

}  // namespace bv::qemu
