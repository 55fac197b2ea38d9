#include "storage/image_tool.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "storage/tool.h"

namespace bv::storage {

using model::EncryptionFormat;
using model::StorageEncryption;
using model::StorageFormat;
using model::VolumeDef;

namespace {

[[noreturn]] void Unsupported(std::string text) { throw Error(ErrorDomain::kStorage, ErrorCode::kConfigUnsupported, std::move(text)); }

// What qemu-img calls the format of a volume.
std::string FormatOf(const VolumeDef& volume) {
  if (volume.target.format == StorageFormat::kRaw && volume.target.encryption) return "luks";
  if (volume.target.format == StorageFormat::kIso || volume.target.format == StorageFormat::kNone) return "raw";
  return std::string(model::ToString(volume.target.format));
}

// A value in an option list of QEMU.
std::string Escaped(const std::string& text) {
  std::string out;
  for (char c : text) out.append(c == ',' ? 2 : 1, c);
  return out;
}

void CheckEncryption(const VolumeDef& volume) {
  auto format = volume.target.encryption->format;
  switch (volume.target.format) {
    case StorageFormat::kRaw:
      if (format == EncryptionFormat::kLuks) return;
      throw Error(ErrorDomain::kStorage, ErrorCode::kInternalError, "raw volumes can be encrypted with luks only");
    case StorageFormat::kQcow2:
      if (format == EncryptionFormat::kLuks) return;
      Unsupported(fmt::format("qcow2 volumes cannot be made with encryption of format {}", model::ToString(format)));
    default: Unsupported(fmt::format("volume encryption unsupported with format {}", FormatOf(volume)));
  }
}

void CheckBacking(const ImagePlan& plan) {
  const VolumeDef& volume = *plan.volume;
  const std::string& path = volume.backing->path;
  if (FormatOf(volume) == "raw" || FormatOf(volume) == "luks") Unsupported("cannot set backing store for raw volume");
  if (plan.preallocate_metadata) Unsupported("metadata preallocation conflicts with backing store");
  if (plan.input && plan.input->backing && plan.input->backing->path != path) Unsupported("a different backing store cannot be specified.");
  std::string full = path.starts_with('/') ? path : volume.target.path.substr(0, volume.target.path.rfind('/') + 1) + path;
  if (access(full.c_str(), R_OK) != 0) throw SystemError(ErrorDomain::kStorage, "inaccessible backing store volume " + path);
}

// Options of LUKS, for qcow2 with a prefix.
void AddEncryption(std::vector<std::string>& options, const StorageEncryption& encryption, bool qcow2, const char* secret) {
  const char* prefix = qcow2 ? "encrypt." : "";
  auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) options.push_back(fmt::format("{}{}={}", prefix, key, Escaped(value)));
  };
  if (qcow2) add("format", "luks");
  add("key-secret", secret);
  if (encryption.cipher.name.empty()) return;
  add("cipher-alg", fmt::format("{}-{}", encryption.cipher.name, encryption.cipher.size));
  add("cipher-mode", encryption.cipher.mode);
  add("hash-alg", encryption.cipher.hash);
  add("ivgen-alg", encryption.ivgen.name);
  add("ivgen-hash-alg", encryption.ivgen.hash);
}

std::string OptionsOf(const ImagePlan& plan, bool with_backing) {
  const model::VolumeImage& image = plan.volume->target;
  std::vector<std::string> options;
  if (with_backing) options.push_back(fmt::format("backing_fmt={}", model::ToString(plan.volume->backing->format)));
  if (image.encryption) AddEncryption(options, *image.encryption, image.format == StorageFormat::kQcow2, "encrypt0");
  if (plan.preallocate_metadata) {
    // What is asked for as a whole is set aside as a whole.
    options.push_back(plan.volume->capacity > plan.volume->allocation ? "preallocation=metadata" : "preallocation=falloc");
  }
  if (image.nocow) options.push_back("nocow=on");
  if (image.format == StorageFormat::kQcow2) options.push_back("compat=" + (image.compat.empty() ? "0.10" : image.compat));
  if (image.cluster_size && image.format != StorageFormat::kIso) options.push_back(fmt::format("cluster_size={}", image.cluster_size));
  if (image.features && image.features->lazy_refcounts) options.push_back("lazy_refcounts=on");
  if (image.features && image.features->extended_l2) options.push_back("extended_l2=on");
  return fmt::format("{}", fmt::join(options, ","));
}

// A command of qemu-img, and the passphrases that it reads from descriptors: nothing secret is in its
// arguments or on a disk.
class Tool {
 public:
  explicit Tool(std::vector<std::string> argv) { command_.argv = std::move(argv); command_.file_mask = 077; }

  void Add(std::initializer_list<std::string> arguments) { command_.argv.insert(command_.argv.end(), arguments); }

  void AddSecret(const char* id, const std::string& passphrase) {
    Fd file(memfd_create("passphrase", MFD_CLOEXEC));
    if (!file || write(file.get(), passphrase.data(), passphrase.size()) != static_cast<ssize_t>(passphrase.size()) ||
        lseek(file.get(), 0, SEEK_SET) < 0) {
      throw SystemError(ErrorDomain::kStorage, "cannot hand over a passphrase");
    }
    int theirs = 3 + static_cast<int>(files_.size());
    command_.fds.push_back({file.get(), theirs});
    files_.push_back(std::move(file));
    Add({"--object", fmt::format("secret,id={},file=/dev/fd/{}", id, theirs)});
  }

  Task<> Run() { co_await RunTool(command_); }

 private:
  Command command_;
  std::vector<Fd> files_;
};

// An image as --image-opts has it.
std::string Described(const VolumeDef& volume, const char* secret) {
  std::string text = fmt::format("driver={},file.driver=file,file.filename={}", FormatOf(volume), Escaped(volume.target.path));
  if (volume.target.encryption) text += fmt::format(",{}key-secret={}", FormatOf(volume) == "luks" ? "" : "encrypt.", secret);
  return text;
}

Task<> Create(const ImagePlan& plan, bool with_backing) {
  const VolumeDef& volume = *plan.volume;
  Tool tool({"qemu-img", "create", "-q", "-f", FormatOf(volume)});
  if (volume.target.encryption) tool.AddSecret("encrypt0", plan.passphrase);
  if (with_backing) tool.Add({"-b", volume.backing->path});
  if (auto options = OptionsOf(plan, with_backing); !options.empty()) tool.Add({"-o", options});
  tool.Add({volume.target.path});
  if (volume.capacity || !with_backing) tool.Add({fmt::format("{}K", volume.capacity / 1024 + (volume.capacity % 1024 != 0))});
  co_await tool.Run();
}

Task<> Convert(const ImagePlan& plan) {
  const VolumeDef &volume = *plan.volume, &input = *plan.input;
  if (!volume.target.encryption && !input.target.encryption) {
    Tool tool({"qemu-img", "convert", "-f", FormatOf(input), "-O", FormatOf(volume)});
    if (auto options = OptionsOf(plan, false); !options.empty()) tool.Add({"-o", options});
    tool.Add({input.target.path, volume.target.path});
    co_await tool.Run();
    co_return;
  }
  // Only an image that is there takes a description with a secret in it.
  co_await Create(plan, false);
  Tool tool({"qemu-img", "convert", "--image-opts", "-n", "--target-image-opts"});
  if (input.target.encryption) tool.AddSecret("encrypt1", plan.input_passphrase);
  if (volume.target.encryption) tool.AddSecret("encrypt0", plan.passphrase);
  tool.Add({Described(input, "encrypt1"), Described(volume, "encrypt0")});
  co_await tool.Run();
}

}  // namespace

void CheckPlan(const ImagePlan& plan) {
  const VolumeDef& volume = *plan.volume;
  const model::VolumeImage& image = volume.target;
  bool qcow2 = image.format == StorageFormat::kQcow2;
  if (plan.preallocate_metadata && !qcow2) Unsupported("metadata preallocation only available with qcow2");
  if (!image.compat.empty() && !qcow2) Unsupported("compatibility option only available with qcow2");
  if (volume.backing) CheckBacking(plan);
  if (image.encryption) CheckEncryption(volume);
  if (image.features && image.compat == "0.10") {
    if (image.features->lazy_refcounts) Unsupported("lazy_refcounts not supported with compat level 0.10");
    if (image.features->extended_l2) Unsupported("'extended_l2' not supported with compat level 0.10");
  }
}

Task<> MakeImage(const ImagePlan& plan) {
  std::exception_ptr failure;
  try {
    if (plan.input) {
      co_await Convert(plan);
    } else {
      co_await Create(plan, plan.volume->backing.has_value());
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  auto remove = [path = plan.volume->target.path] { unlink(path.c_str()); };
  co_await Offload(remove);
  std::rethrow_exception(failure);
}

Task<> ConvertToDevice(const VolumeDef& volume, const VolumeDef& input, const std::string& passphrase) {
  Tool tool({"qemu-img", "convert", "-n", "-O", "raw"});
  if (input.target.encryption) {
    tool.AddSecret("encrypt1", passphrase);
    tool.Add({"--image-opts", Described(input, "encrypt1"), volume.target.path});
  } else {
    tool.Add({"-f", FormatOf(input), input.target.path, volume.target.path});
  }
  co_await tool.Run();
}

Task<> ResizeImage(const VolumeDef& volume, std::uint64_t capacity, bool shrink, const std::string& passphrase) {
  Tool tool({"qemu-img", "resize", "-q"});
  if (shrink) tool.Add({"--shrink"});
  if (volume.target.encryption) {
    tool.AddSecret("encrypt0", passphrase);
    tool.Add({"--image-opts", Described(volume, "encrypt0")});
  } else {
    tool.Add({"-f", FormatOf(volume), volume.target.path});
  }
  constexpr std::uint64_t kSector = 512;
  tool.Add({std::to_string(capacity / kSector * kSector + (capacity % kSector ? kSector : 0))});
  co_await tool.Run();
}

}  // namespace bv::storage
