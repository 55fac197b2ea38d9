#include "host/image_probe.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace bv {
namespace {

using model::StorageFormat;

constexpr std::size_t kHeaderSize = 64 << 10;

std::uint64_t BigEndian(std::string_view data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(data[at + i]);
  return value;
}

std::uint64_t LittleEndian(std::string_view data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(data[at + i]);
  return value;
}

// What a header of the format begins with, and the versions of it that are known, in a number of that many bytes.
struct Magic {
  StorageFormat format;
  std::size_t offset;
  std::string_view bytes;
  std::size_t version_at = 0, version_bytes = 0;
  bool big_endian = false;
  std::uint64_t lowest = 0, highest = 0;
};
constexpr std::string_view kQcowMagic{"QFI\xfb", 4};
constexpr Magic kMagics[] = {
    {StorageFormat::kLuks, 0, {"LUKS\xba\xbe", 6}, 6, 2, true, 1, 2},
    {StorageFormat::kQcow2, 0, kQcowMagic, 4, 4, true, 2, 3},
    {StorageFormat::kQcow, 0, kQcowMagic, 4, 4, true, 1, 1},
    {StorageFormat::kQed, 0, {"QED\0", 4}},
    {StorageFormat::kVmdk, 0, "KDMV", 4, 4, false, 1, 3},
    {StorageFormat::kVdi, 64, {"\x7f\x10\xda\xbe", 4}, 68, 4, false, 0x10001, 0x10001},
    {StorageFormat::kVpc, 0, "conectix", 12, 4, true, 0x10000, 0x10000},
    {StorageFormat::kIso, 32769, "CD001"},
    {StorageFormat::kBochs, 0, "Bochs Virtual HD Image"},
    {StorageFormat::kCloop, 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"},
    {StorageFormat::kPloop, 0, "WithoutFreeSpace"},
};

bool Matches(const Magic& magic, std::string_view data) {
  if (data.size() < magic.offset + magic.bytes.size() || data.substr(magic.offset, magic.bytes.size()) != magic.bytes) return false;
  if (!magic.version_bytes) return true;
  if (data.size() < magic.version_at + magic.version_bytes) return false;
  auto version = (magic.big_endian ? BigEndian : LittleEndian)(data, magic.version_at, magic.version_bytes);
  return version >= magic.lowest && version <= magic.highest;
}

Fd OpenImage(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw SystemError(ErrorDomain::kStorage, fmt::format("Failed to open file '{}'", path));
  return fd;
}

std::string ReadHeader(int fd) {
  std::string data(kHeaderSize, '\0');
  auto got = pread(fd, data.data(), data.size(), 0);
  data.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return data;
}

std::uint64_t SizeOf(int fd) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return 0;
  if (!S_ISBLK(info.st_mode)) return static_cast<std::uint64_t>(info.st_size);
  std::uint64_t size = 0;
  return ioctl(fd, BLKGETSIZE64, &size) == 0 ? size : 0;
}

// The header extension that names the backing format follows the fixed header (spec: docs/interop/qcow2.txt
// of QEMU); extensions are 8-byte aligned and end with type 0.
StorageFormat Qcow2BackingFormat(std::string_view data, std::uint64_t at, std::uint64_t limit) {
  constexpr std::uint32_t kBackingFormat = 0xe2792aca;
  while (at + 8 <= data.size() && at + 8 <= limit) {
    auto type = BigEndian(data, at, 4), size = BigEndian(data, at + 4, 4);
    at += 8;
    if (type == 0 || size > data.size() || at + size > data.size()) break;
    if (type == kBackingFormat)
      return model::FromString<StorageFormat>(data.substr(at, size)).value_or(StorageFormat::kNone);
    at += (size + 7) & ~std::uint64_t{7};
  }
  return StorageFormat::kNone;
}

std::optional<ImageHeader> ProbeQcow(std::string_view data, bool version2) {
  if (data.size() < 48 || !data.starts_with(kQcowMagic)) return std::nullopt;
  auto version = BigEndian(data, 4, 4);
  if ((version == 1) == version2) return std::nullopt;
  ImageHeader header;
  auto name_at = BigEndian(data, 8, 8), name_size = BigEndian(data, 16, 4);
  header.capacity = BigEndian(data, 24, 8);
  constexpr std::uint64_t kEncryptedByLuks = 2;
  auto encryption = version2 ? BigEndian(data, 32, 4) : BigEndian(data, 36, 4);
  header.encrypted = encryption != 0;
  if (header.encrypted) header.encryption = encryption == kEncryptedByLuks ? model::EncryptionFormat::kLuks : model::EncryptionFormat::kQcow;
  if (auto bits = BigEndian(data, 20, 4); version2 && bits < 32) header.cluster_size = std::uint64_t{1} << bits;
  if (version == 3 && data.size() >= 104) {
    header.version3 = true;
    header.lazy_refcounts = BigEndian(data, 80, 8) & 1;
    header.extended_l2 = BigEndian(data, 72, 8) & 16;
  }
  if (name_at && name_size && name_size <= 1023 && name_at < data.size() && name_at + name_size <= data.size())
    header.backing = data.substr(name_at, name_size);
  if (version2 && !header.backing.empty()) {
    std::uint64_t fixed = version >= 3 && data.size() >= 104 ? BigEndian(data, 100, 4) : 72;
    header.backing_format = Qcow2BackingFormat(data, fixed, name_at);
  }
  return header;
}

std::optional<ImageHeader> ProbeQed(std::string_view data) {
  if (data.size() < 64 || !data.starts_with(std::string_view("QED\0", 4))) return std::nullopt;
  ImageHeader header;
  header.capacity = LittleEndian(data, 48, 8);
  constexpr std::uint64_t kHasBacking = 1, kBackingIsRaw = 4;
  auto features = LittleEndian(data, 16, 8);
  auto name_at = LittleEndian(data, 56, 4), name_size = LittleEndian(data, 60, 4);
  if ((features & kHasBacking) && name_at + name_size <= data.size()) {
    header.backing = data.substr(name_at, name_size);
    if (features & kBackingIsRaw) header.backing_format = StorageFormat::kRaw;
  }
  return header;
}

// The capacity stands in sectors; the name of the image below in the text that follows the header.
std::optional<ImageHeader> ProbeVmdk(std::string_view data) {
  if (data.size() < 20) return std::nullopt;
  ImageHeader header;
  header.capacity = LittleEndian(data, 12, 8) * 512;
  constexpr std::string_view kParent = "parentCID=", kNone = "ffffffff", kName = "parentFileNameHint=\"";
  auto text = data.substr(std::min<std::size_t>(512, data.size()));
  text = text.substr(0, text.find('\0'));
  auto parent = text.find(kParent), name = text.find(kName);
  if (parent == text.npos || name == text.npos || text.substr(parent + kParent.size()).starts_with(kNone)) return header;
  text.remove_prefix(name + kName.size());
  header.backing = text.substr(0, text.find('"'));
  header.backing_format = StorageFormat::kVmdk;
  return header;
}

// What is left behind the header and the keys.
std::optional<ImageHeader> ProbeLuks(std::string_view data, std::uint64_t size) {
  if (data.size() < 108) return std::nullopt;
  ImageHeader header;
  auto payload = BigEndian(data, 6, 2) == 1 ? BigEndian(data, 104, 4) * 512 : 0;
  header.capacity = size > payload ? size - payload : 0;
  header.encrypted = true;
  header.encryption = BigEndian(data, 6, 2) == 1 ? model::EncryptionFormat::kLuks : model::EncryptionFormat::kLuks2;
  return header;
}

}  // namespace

std::optional<ImageHeader> ProbeImage(const std::string& path, StorageFormat format) { return ProbeImage(OpenImage(path).get(), format); }

std::optional<ImageHeader> ProbeImage(int fd, StorageFormat format) {
  auto data = ReadHeader(fd);
  switch (format) {
    case StorageFormat::kQcow2: return ProbeQcow(data, true);
    case StorageFormat::kQcow: return ProbeQcow(data, false);
    case StorageFormat::kQed: return ProbeQed(data);
    case StorageFormat::kVmdk: return ProbeVmdk(data);
    case StorageFormat::kLuks: return ProbeLuks(data, SizeOf(fd));
    case StorageFormat::kVdi:
      if (data.size() < 376) return std::nullopt;
      return ImageHeader{.capacity = LittleEndian(data, 368, 8)};
    case StorageFormat::kVpc:
      if (data.size() < 48) return std::nullopt;
      return ImageHeader{.capacity = BigEndian(data, 40, 8)};
    default: return ImageHeader{.capacity = SizeOf(fd)};
  }
}

StorageFormat DetectImageFormat(const std::string& path) { return DetectImageFormat(OpenImage(path).get()); }

StorageFormat DetectImageFormat(int fd) {
  auto data = ReadHeader(fd);
  for (auto& magic : kMagics) {
    if (Matches(magic, data)) return magic.format;
  }
  return StorageFormat::kRaw;
}

}  // namespace bv
