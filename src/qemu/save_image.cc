#include "qemu/save_image.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace bv::qemu {
namespace {

// On disk in the byte order of the host that wrote it.
struct Header {
  char magic[16];
  std::uint32_t version;
  std::uint32_t data_size;      // definition, NUL and cookie, with room to spare
  std::uint32_t was_running;
  std::uint32_t compression;
  std::uint32_t cookie_offset;  // within the data; 0: none
  std::uint32_t unused[14];
};
static_assert(sizeof(Header) == 92);
constexpr char kMagic[] = "LibvirtQemudSave", kIncompleteMagic[] = "LibvirtQemudPart";
constexpr std::uint32_t kVersion = 2;
// Room for a definition that is edited later, and alignment for direct I/O.
constexpr std::uint32_t kRoom = 1024, kAlign = 64 * 1024;

[[noreturn]] void Failed(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, what); }

bool ReadAll(int fd, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    auto got = read(fd, at, size);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

void WriteAll(int fd, const void* data, std::size_t size, const std::string& path) {
  auto* at = static_cast<const char*>(data);
  while (size > 0) {
    auto put = write(fd, at, size);
    if (put < 0) throw SystemError(ErrorDomain::kQemu, fmt::format("failed to write header to domain save file '{}'", path));
    at += put;
    size -= static_cast<std::size_t>(put);
  }
}

// Header and data as they stand in the file; `size` is that of the data, 0 to choose it.
std::string Encode(const SaveImage& image, std::uint32_t size, const char* magic) {
  Header header{};
  std::memcpy(header.magic, magic, sizeof header.magic);
  header.version = kVersion;
  header.was_running = image.was_running;
  header.compression = image.compression;
  std::string data = image.xml;
  data += '\0';
  if (!image.cookie.empty()) {
    header.cookie_offset = static_cast<std::uint32_t>(data.size());
    data += image.cookie;
    data += '\0';
  }
  if (size == 0) {
    auto total = sizeof header + data.size() + kRoom;
    size = static_cast<std::uint32_t>((total + kAlign - 1) / kAlign * kAlign - sizeof header);
  }
  if (data.size() > size) Failed("new xml too large to fit in file");
  data.resize(size);
  header.data_size = size;
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + data;
}

}  // namespace

SaveImage SaveImage::Read(const std::string& path, Fd* out) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("Failed to open file '{}'", path));
  Header header;
  if (!ReadAll(fd.get(), &header, sizeof header)) Failed("failed to read qemu header");
  if (std::memcmp(header.magic, kIncompleteMagic, sizeof header.magic) == 0) Failed("save image is incomplete");
  if (std::memcmp(header.magic, kMagic, sizeof header.magic) != 0) Failed("image magic is incorrect");
  if (header.version > kVersion) Failed(fmt::format("image version is not supported ({} > {})", header.version, kVersion));
  constexpr std::uint32_t kLargest = 64u << 20;
  if (header.data_size == 0 || header.data_size > kLargest) Failed("invalid header data length");
  std::string data(header.data_size, '\0');
  if (!ReadAll(fd.get(), data.data(), data.size())) Failed("failed to read domain XML");
  SaveImage image;
  image.was_running = header.was_running != 0;
  image.compression = header.compression;
  image.xml = data.c_str();
  if (header.cookie_offset && header.cookie_offset < data.size()) image.cookie = data.c_str() + header.cookie_offset;
  image.data_offset = sizeof header + header.data_size;
  *out = std::move(fd);
  return image;
}

Fd SaveImage::Create(const std::string& path, const SaveImage& image) {
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("Failed to create file '{}'", path));
  auto bytes = Encode(image, 0, kIncompleteMagic);
  WriteAll(fd.get(), bytes.data(), bytes.size(), path);
  return fd;
}

void SaveImage::Complete(int fd) {
  // First the stream, then the word that it is there.
  if (fdatasync(fd) != 0 || pwrite(fd, kMagic, 16, 0) != 16 || fsync(fd) != 0)
    throw SystemError(ErrorDomain::kQemu, "unable to write to domain save file");
}

void SaveImage::Rewrite(const std::string& path, const SaveImage& image) {
  Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("Failed to open file '{}'", path));
  auto bytes = Encode(image, static_cast<std::uint32_t>(image.data_offset - sizeof(Header)), kMagic);
  WriteAll(fd.get(), bytes.data(), bytes.size(), path);
  if (fsync(fd.get()) != 0) throw SystemError(ErrorDomain::kQemu, fmt::format("failed to write xml to '{}'", path));
}

}  // namespace bv::qemu
