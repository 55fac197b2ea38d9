#include "storage/volume_build.h"

#include <fmt/core.h>

#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "daemon/secret_source.h"
#include "model/secret.h"
#include "storage/image_tool.h"
#include "storage/raw_volume.h"
#include "storage/tool.h"

namespace bv::storage {

using model::StorageFormat;
using model::VolumeDef;
using model::VolumeType;

namespace {

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kStorage, code, std::move(text)); }

void RefuseFlags(unsigned flags, unsigned known, const char* function) { RefuseOtherFlags(flags, known, ErrorDomain::kStorage, function); }

// Bytes that qemu-img has to do with.
bool IsImage(const VolumeDef& volume) {
  return volume.type == VolumeType::kFile && (volume.target.format != StorageFormat::kRaw || volume.target.encryption);
}

Task<> BuildRaw(const VolumeDef& volume, const VolumeDef* input, unsigned flags) {
  RefuseFlags(flags, kPreallocateMetadata | kReflink, "virStorageBackendCreateRaw");
  if (flags & kPreallocateMetadata) Fail(ErrorCode::kConfigUnsupported, "metadata preallocation is not supported for raw volumes");
  if (volume.backing) Fail(ErrorCode::kNoSupport, "backing storage not supported for raw volumes");
  co_await MakeRawVolume(volume, input, flags & kReflink);
}

Task<> BuildDirectory(const VolumeDef& volume, unsigned flags) {
  RefuseFlags(flags, 0, "createFileDir");
  if (volume.backing) Fail(ErrorCode::kNoSupport, "backing storage not supported for directories volumes");
  co_await MakeDirectoryVolume(volume);
}

void RefusePloop(const VolumeDef& volume, const VolumeDef* input, unsigned flags) {
  RefuseFlags(flags, 0, "storageBackendCreatePloop");
  if (input) Fail(ErrorCode::kInternalError, "a ploop volume cannot be made of one of another type");
  if (volume.backing) Fail(ErrorCode::kConfigUnsupported, "copy-on-write ploop volumes are not yet supported");
  Fail(ErrorCode::kInternalError, "volumes of format ploop need the ploop tools");
}

Task<> BuildImage(const VolumeDef& volume, const VolumeDef* input, unsigned flags) {
  RefuseFlags(flags, kPreallocateMetadata, "storageBackendCreateQemuImg");
  auto plan = std::make_shared<ImagePlan>();
  plan->volume = &volume;
  plan->input = input;
  plan->preallocate_metadata = flags & kPreallocateMetadata;
  plan->passphrase = co_await PassphraseOf(volume);
  if (input) plan->input_passphrase = co_await PassphraseOf(*input);
  auto check = [plan] { CheckPlan(*plan); };
  co_await Offload(check);
  co_await MakeImage(*plan);
  auto finish = [copy = volume] { SetPermissions(copy); };
  co_await Offload(finish);
}

}  // namespace

void PlaceInDirectory(const model::PoolDef& pool, VolumeDef& volume) {
  if (volume.name.find('/') != volume.name.npos) {
    Fail(ErrorCode::kOperationInvalid, "volume name '" + volume.name + "' cannot contain '/'");
  }
  volume.target.path = pool.target_path + (pool.target_path.ends_with('/') ? "" : "/") + volume.name;
  volume.key = volume.target.path;
  volume.type = volume.target.format == StorageFormat::kDir     ? VolumeType::kDir
                : volume.target.format == StorageFormat::kPloop ? VolumeType::kPloop
                                                                : VolumeType::kFile;
}

Task<std::string> PassphraseOf(const VolumeDef& volume) {
  if (!volume.target.encryption) co_return "";
  auto& secrets = volume.target.encryption->secrets;
  if (secrets.size() != 1) {
    Fail(ErrorCode::kInvalidArg, "A single <secret type='passphrase'...> element is expected in encryption description");
  }
  SecretSource::Name name;
  name.uuid = secrets[0].uuid;
  name.usage_type = static_cast<int>(model::SecretUsage::kVolume);
  name.usage = secrets[0].usage;
  auto value = co_await SecretSource::Value(name);
  co_return value;
}

Task<> BuildVolume(const VolumeDef& volume, const VolumeDef* input, unsigned flags) {
  flags &= ~kValidateVolume;
  if (input ? IsImage(volume) || IsImage(*input) : IsImage(volume)) {
    co_await BuildImage(volume, input, flags);
  } else if (volume.type == VolumeType::kPloop) {
    RefusePloop(volume, input, flags);
  } else if (volume.type == VolumeType::kDir && !input) {
    co_await BuildDirectory(volume, flags);
  } else {
    co_await BuildRaw(volume, input, flags);
  }
}

Task<> FillDevice(const VolumeDef& volume, const VolumeDef& input, unsigned flags) {
  RefuseFlags(flags & ~kValidateVolume, 0, "createRawFileFromBlock");
  if (!IsImage(input)) {
    co_await CopyToDevice(volume, input);
    co_return;
  }
  std::string passphrase = co_await PassphraseOf(input);
  co_await ConvertToDevice(volume, input, passphrase);
}

Task<> ResizeVolume(const VolumeDef& volume, std::uint64_t capacity, unsigned flags) {
  bool allocate = flags & kResizeAllocate;
  if (volume.target.format == StorageFormat::kRaw && !volume.target.encryption) {
    co_await ResizeRawVolume(volume, capacity, allocate);
    co_return;
  }
  if (allocate) Fail(ErrorCode::kOperationUnsupported, "preallocate is only supported for raw type volume");
  std::string passphrase = co_await PassphraseOf(volume);
  co_await ResizeImage(volume, capacity, flags & kResizeShrink, passphrase);
}

Task<> WipeVolume(const VolumeDef& volume, unsigned algorithm) {
  // As scrub(1) calls them; zeroes are ours.
  constexpr const char* kAlgorithms[] = {"zero",     "nnsa",       "dod",    "bsi", "gutmann",
                                         "schneier", "pfitzner7",  "pfitzner33", "random"};
  constexpr unsigned kTrim = 9;
  if (algorithm == kTrim) Fail(ErrorCode::kArgumentUnsupported, "'trim' algorithm not supported");
  if (algorithm == 0) {
    co_await WipeVolume(volume);
    co_return;
  }
  auto find = [] { return FindProgram("scrub"); };
  auto program = co_await Offload(find);
  if (!program) throw SystemError(ErrorDomain::kNone, ENOENT, "Cannot find 'scrub' in path");
  std::vector<std::string> argv{*program, "-f", "-p", kAlgorithms[algorithm], volume.target.path};
  co_await RunTool(std::move(argv));
}

}  // namespace bv::storage
