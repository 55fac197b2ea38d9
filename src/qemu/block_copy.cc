// Copying a disk of a running guest elsewhere: what may be copied where, and the image that the copy is made into.

#include <fmt/core.h>
#include <sys/stat.h>

#include <bit>

#include "base/error.h"
#include "host/image_probe.h"
#include "model/domain/device_xml.h"
#include "qemu/block_job_calls.h"
#include "qemu/command_line/storage.h"
#include "qemu/disk_names.h"
#include "qemu/driver.h"
#include "qemu/new_image.h"
#include "qemu/qemu_img.h"

namespace bv::qemu {
namespace {

using model::StorageFormat;
using model::StorageSource;
using model::StorageType;

// virDomainBlockCopyFlags
enum : unsigned { kShallow = 1, kReuse = 2, kTransientJob = 4, kSynchronousWrites = 8, kAll = 15 };

[[noreturn]] void Fail(ErrorCode code, const std::string& detail) { throw Error(ErrorDomain::kQemu, code, detail); }

bool IsLocal(const StorageSource& image) { return image.type == StorageType::kFile || image.type == StorageType::kBlock; }

// The source of a <disk> that says no more than that, not even where in the guest it is.
StorageSource ReadDestination(const std::string& xml) {
  model::DomainDef def;
  model::ParseDevice(xml, model::kParseInactive | model::kParseSkipChecks | model::kParseDiskSource, def);
  if (def.disks.empty()) Fail(ErrorCode::kXmlError, "a copy's destination is a <disk>");
  return std::move(def.disks[0]->source);
}

// What is at the destination must suit what it is wanted for. True when there is nothing yet.
bool CheckDestination(const StorageSource& target, const std::string& disk, bool reuse) {
  struct stat info {};
  if (stat(target.path.c_str(), &info) != 0) {
    if (errno != ENOENT) throw SystemError(ErrorDomain::kQemu, "unable to verify existence of block copy target");
    if (reuse || target.type == StorageType::kBlock)
      throw SystemError(ErrorDomain::kQemu, ENOENT, fmt::format("missing destination file for disk {}: {}", disk, target.path));
    return true;
  }
  if (target.type == StorageType::kBlock && !S_ISBLK(info.st_mode))
    Fail(ErrorCode::kInvalidArg, fmt::format("blockdev flag requested for disk {}, but file '{}' is not a block device", disk, target.path));
  if (target.type == StorageType::kFile && !S_ISBLK(info.st_mode) && info.st_size > 0 && !reuse) {
    Fail(ErrorCode::kConfigUnsupported,
         fmt::format("external destination file for disk {} already exists and is not a block device: {}", disk, target.path));
  }
  return false;
}

// Of an image that somebody else has made and not described.
StorageFormat FormatOfFile(const std::string& path) {
  for (auto format : {StorageFormat::kQcow2, StorageFormat::kQed, StorageFormat::kVmdk, StorageFormat::kVdi}) {
    if (ProbeImage(path, format)) return format;
  }
  return StorageFormat::kRaw;
}

}  // namespace

Task<> BlockJobCalls::DomainBlockCopy(Call&, remote::DomainBlockCopyArgs args) {
  CheckFlags(args.flags, kAll, "qemuDomainBlockCopy");
  BlockJobs::CopyOptions options;
  for (auto& param : args.params) {
    if (auto* bandwidth = std::get_if<std::uint64_t>(&param.value); bandwidth && param.field == "bandwidth") {
      options.bytes_per_second = *bandwidth;
    } else if (auto* granularity = std::get_if<std::uint32_t>(&param.value); granularity && param.field == "granularity") {
      if (!std::has_single_bit(*granularity)) Fail(ErrorCode::kInvalidArg, "granularity must be power of 2");
      options.granularity = *granularity;
    } else if (auto* size = std::get_if<std::uint64_t>(&param.value); size && param.field == "buf-size") {
      options.buffer_bytes = *size;
    } else {
      Fail(ErrorCode::kArgumentUnsupported, fmt::format("parameter '{}' not supported", param.field));
    }
  }
  co_await CopyTo(args.dom, args.path, ReadDestination(args.destxml), options, args.flags);
}

Task<> BlockJobCalls::CopyTo(remote::NonnullDomain dom, std::string path, StorageSource target, BlockJobs::CopyOptions options, unsigned flags) {
  const bool reuse = flags & kReuse;
  options.shallow = flags & kShallow;
  options.synchronous = flags & kSynchronousWrites;
  auto domain = co_await driver_->Get(dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainBlockCopy");
  RequireActive(*domain);
  // QEMU knows of the job, the definition on disk does not.
  if (domain->persistent && !(flags & kTransientJob)) Fail(ErrorCode::kOperationInvalid, "domain is not transient");
  auto* guests = driver_->guests_.get();
  auto* guest = domain->guest.get();
  auto& disk = IdleDisk(*domain, path);
  const std::string name = disk.dst;
  if (disk.source.IsEmpty()) Fail(ErrorCode::kInvalidArg, fmt::format("disk '{}' does not currently have a source assigned", name));
  if (disk.device == model::DiskDevice::kLun) Fail(ErrorCode::kConfigUnsupported, fmt::format("disk '{}' of device type 'lun' cannot be copied", name));
  const bool local = IsLocal(target);
  const std::string file = target.path;
  const bool wants_format = target.format == StorageFormat::kNone;
  const StorageFormat format = !wants_format ? target.format : disk.source.format;
  bool absent = false;
  if (local) {
    auto check = [target_type = target.type, file, name, reuse] {
      StorageSource wanted;
      wanted.type = target_type;
      wanted.path = file;
      return CheckDestination(wanted, name, reuse);
    };
    absent = co_await Offload(std::move(check));
  }
  target.format = format;
  if (reuse && wants_format && local) {
    auto probe = [file] { return FormatOfFile(file); };
    target.format = co_await Offload(std::move(probe));
  }
  if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  auto* backing = disk.source.backing && !disk.source.backing->IsTerminator() ? disk.source.backing.get() : nullptr;
  // A copy of all there is has nothing to share.
  if (!backing) options.shallow = false;
  if (options.shallow && target.format == StorageFormat::kRaw)
    Fail(ErrorCode::kInvalidArg, fmt::format("shallow copy of disk '{}' into a raw file is not possible", name));

  NewImage image;
  image.disk = &disk;
  image.source = std::make_unique<StorageSource>(std::move(target));
  image.source->id = ++guest->next_node;
  image.source->readonly = false;
  if (options.shallow) image.backing = NamesOf(*backing).format;
  std::exception_ptr failure;
  try {
    if (!reuse && local && (image.source->type == StorageType::kFile || image.source->format != StorageFormat::kRaw)) {
      const auto size = co_await VirtualSize(guests, domain, NamesOf(disk.source).format);
      std::vector<std::string> arguments{"create", "-f", std::string(ToString(image.source->format))};
      if (options.shallow) {
        // What lies below is in use by QEMU: it must not be opened to look at.
        arguments.insert(arguments.end(), {"-u", "-F", std::string(ToString(backing->format)), "-b", backing->path});
      }
      arguments.insert(arguments.end(), {file, std::to_string(size)});
      image.made = absent;
      co_await QemuImg(std::move(arguments));
      if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
    }
    co_await PlugImage(guests, domain, &image);
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
    co_await driver_->block_jobs_->Copy(domain, name, *image.source, options);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  co_await TakeBack(guests, domain, &image);
  std::rethrow_exception(failure);
}

}  // namespace bv::qemu
