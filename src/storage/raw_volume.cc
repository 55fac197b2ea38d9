#include "storage/raw_volume.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/wait.h"

namespace bv::storage {

using model::VolumeDef;

namespace {

using File = std::shared_ptr<Fd>;

constexpr std::uint32_t kDefaultMode = 0600;
// What one turn on the pool does: short enough for those who wait for theirs.
constexpr std::uint64_t kWriteStep = 8u << 20, kAllocateStep = 1u << 30;

[[noreturn]] void Fail(const std::string& what) { throw SystemError(ErrorDomain::kStorage, what); }
[[noreturn]] void Fail(int error_number, const std::string& what) { throw SystemError(ErrorDomain::kStorage, error_number, what); }

void WriteZeroes(int fd, std::uint64_t from, std::uint64_t length, const std::string& path) {
  static constexpr char kZeroes[64 << 10] = {};
  while (length > 0) {
    auto n = pwrite(fd, kZeroes, std::min<std::uint64_t>(length, sizeof kZeroes), static_cast<off_t>(from));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Fail(fmt::format("Failed to write to storage volume with path '{}'", path));
    from += static_cast<std::uint64_t>(n);
    length -= static_cast<std::uint64_t>(n);
  }
}

// One after the other, each on the pool: step(at, length).
template <typename Step>
Task<> InSteps(std::uint64_t from, std::uint64_t end, std::uint64_t size, Step step) {
  while (from < end) {
    auto length = std::min(size, end - from);
    auto work = [step, from, length] { step(from, length); };
    co_await Offload(work);
    from += length;
  }
}

Task<> Allocate(File file, std::uint64_t from, std::uint64_t end, std::string path) {
  auto step = [file, path](std::uint64_t at, std::uint64_t length) {
    if (fallocate(file->get(), 0, static_cast<off_t>(at), static_cast<off_t>(length)) == 0) return;
    if (errno != EOPNOTSUPP && errno != ENOSYS) Fail(fmt::format("cannot allocate {} bytes in file '{}'", length, path));
    for (std::uint64_t done = 0; done < length; done += kWriteStep) WriteZeroes(file->get(), at + done, std::min(kWriteStep, length - done), path);
  };
  co_await InSteps(from, end, kAllocateStep, step);
}

Fd Create(const VolumeDef& volume) {
  const std::string& path = volume.target.path;
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, volume.target.permissions.mode.value_or(kDefaultMode) & 0600));
  if (!fd) Fail(fmt::format("Failed to create file '{}'", path));
  return fd;
}

// Only btrfs copies files in a way that one would want to have off.
void TurnOffCopyOnWrite(int fd, const std::string& path) {
  struct statfs info;
  int flags = 0;
  auto fail = [&](int error) {
    throw SystemError(ErrorDomain::kNone, error, fmt::format("unable to control COW flag on '{}', not btrfs", path));
  };
  if (fstatfs(fd, &info) < 0) fail(errno);
  if (info.f_type != BTRFS_SUPER_MAGIC) fail(ENOSYS);
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) fail(errno);
  flags |= FS_NOCOW_FL;
  if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) fail(errno);
}

// Copies a piece. With `sparse` blocks of zeroes are left out.
void CopyPiece(int in, int out, std::uint64_t at, std::uint64_t length, bool sparse, const std::string& from, const std::string& to) {
  constexpr std::size_t kBlock = 4096;
  static constexpr char kZeroes[kBlock] = {};
  std::vector<char> buffer(256 << 10);
  auto write = [&](const char* data, std::size_t size, std::uint64_t where) {
    while (size > 0) {
      auto n = pwrite(out, data, size, static_cast<off_t>(where));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) Fail(fmt::format("failed writing to file '{}'", to));
      data += n;
      size -= static_cast<std::size_t>(n);
      where += static_cast<std::uint64_t>(n);
    }
  };
  while (length > 0) {
    auto n = pread(in, buffer.data(), std::min<std::uint64_t>(buffer.size(), length), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Fail(fmt::format("failed reading from file '{}'", from));
    if (n == 0) return;
    auto size = static_cast<std::size_t>(n);
    if (!sparse) {
      write(buffer.data(), size, at);
    } else {
      for (std::size_t block = 0; block < size; block += kBlock) {
        auto part = std::min(kBlock, size - block);
        if (std::memcmp(buffer.data() + block, kZeroes, part) != 0) write(buffer.data() + block, part, at + block);
      }
    }
    at += size;
    length -= size;
  }
}

// `sparse`: blocks of zeroes are there already.
Task<> CopyBytes(const VolumeDef& volume, const VolumeDef& input, File out, bool reflink, bool sparse) {
  std::string from = input.target.path, to = volume.target.path;
  auto open_input = [from] {
    Fd fd(open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) Fail(fmt::format("could not open input path '{}'", from));
    struct stat info;
    if (fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode)) Fail(EISDIR, fmt::format("failed reading from file '{}'", from));
    return std::make_shared<Fd>(std::move(fd));
  };
  File in = co_await Offload(open_input);
  if (reflink) {
    auto share = [in, out, from] {
      if (ioctl(out->get(), FICLONE, in->get()) < 0) Fail(fmt::format("failed to clone files from '{}'", from));
    };
    co_await Offload(share);
    co_return;
  }
  auto length = std::min<std::uint64_t>(volume.capacity, input.physical ? input.physical : input.capacity);
  auto step = [in, out, sparse, from, to](std::uint64_t at, std::uint64_t size) { CopyPiece(in->get(), out->get(), at, size, sparse, from, to); };
  co_await InSteps(0, length, kWriteStep, step);
}

Task<> Sync(File file, std::string path) {
  auto sync = [file, path] {
    if (fsync(file->get()) < 0) Fail(fmt::format("cannot sync data to file '{}'", path));
  };
  co_await Offload(sync);
}

// What is there to be written over.
Task<File> OpenVolume(std::string path) {
  auto open_file = [path] {
    Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) Fail(fmt::format("Failed to open storage volume with path '{}'", path));
    return std::make_shared<Fd>(std::move(fd));
  };
  co_return co_await Offload(open_file);
}

Task<> Fill(const VolumeDef& volume, const VolumeDef* input, bool reflink, File file) {
  std::string path = volume.target.path;
  if (volume.target.nocow) {
    auto nocow = [file, path] { TurnOffCopyOnWrite(file->get(), path); };
    co_await Offload(nocow);
  }
  auto extend = [file, path, size = volume.capacity] {
    if (ftruncate(file->get(), static_cast<off_t>(size)) < 0) Fail(fmt::format("cannot extend file '{}'", path));
  };
  co_await Offload(extend);
  if (volume.allocation && !reflink) co_await Allocate(file, 0, volume.allocation, path);
  if (input) co_await CopyBytes(volume, *input, file, reflink, volume.allocation < volume.capacity);
  co_await Sync(file, path);
}

}  // namespace

void SetPermissions(const VolumeDef& volume) {
  const std::string& path = volume.target.path;
  const model::StoragePermissions& permissions = volume.target.permissions;
  struct stat info;
  if (stat(path.c_str(), &info) < 0) Fail(fmt::format("stat of '{}' failed", path));
  uid_t owner = permissions.owner.value_or(static_cast<uid_t>(-1));
  gid_t group = permissions.group.value_or(static_cast<gid_t>(-1));
  if ((permissions.owner || permissions.group) && chown(path.c_str(), owner, group) < 0) {
    Fail(fmt::format("cannot chown '{}' to ({}, {})", path, owner, group));
  }
  auto mode = permissions.mode.value_or(kDefaultMode);
  if (chmod(path.c_str(), mode) < 0) Fail(fmt::format("cannot set mode of '{}' to {:04o}", path, mode));
}

Task<> MakeRawVolume(const VolumeDef& volume, const VolumeDef* input, bool reflink) {
  auto create = [copy = volume] { return std::make_shared<Fd>(Create(copy)); };
  File file = co_await Offload(create);
  std::exception_ptr failure;
  try {
    co_await Fill(volume, input, reflink, file);
    auto finish = [copy = volume] { SetPermissions(copy); };
    co_await Offload(finish);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  auto remove = [path = volume.target.path] { unlink(path.c_str()); };
  co_await Offload(remove);
  std::rethrow_exception(failure);
}

Task<> CopyToDevice(const VolumeDef& volume, const VolumeDef& input) {
  File file = co_await OpenVolume(volume.target.path);
  co_await CopyBytes(volume, input, file, false, false);
  co_await Sync(file, volume.target.path);
}

Task<> MakeDirectoryVolume(const VolumeDef& volume) {
  auto make = [copy = volume] {
    if (mkdir(copy.target.path.c_str(), 0700) < 0) Fail(fmt::format("failed to create directory '{}'", copy.target.path));
    try {
      SetPermissions(copy);
    } catch (...) {
      rmdir(copy.target.path.c_str());
      throw;
    }
  };
  co_await Offload(make);
}

Task<> WipeVolume(const VolumeDef& volume) {
  std::string path = volume.target.path;
  File file = co_await OpenVolume(path);
  // How much is left to be written over.
  auto begin = [file, path, allocation = volume.allocation]() -> std::uint64_t {
    struct stat info;
    if (fstat(file->get(), &info) < 0) Fail(fmt::format("Failed to stat storage volume with path '{}'", path));
    if (!S_ISREG(info.st_mode) || info.st_blocks >= info.st_size / 512) return allocation;
    if (ftruncate(file->get(), 0) < 0 || ftruncate(file->get(), info.st_size) < 0) {
      Fail(fmt::format("Failed to truncate volume with path '{}'", path));
    }
    return 0;
  };
  auto length = co_await Offload(begin);
  auto step = [file, path](std::uint64_t at, std::uint64_t size) { WriteZeroes(file->get(), at, size, path); };
  co_await InSteps(0, length, kWriteStep, step);
  auto sync = [file, path] {
    if (fdatasync(file->get()) < 0) Fail(fmt::format("cannot sync data to volume with path '{}'", path));
  };
  co_await Offload(sync);
}

Task<> ResizeRawVolume(const VolumeDef& volume, std::uint64_t capacity, bool allocate) {
  std::string path = volume.target.path;
  auto resize = [path, capacity, allocate] {
    auto fail = [&](const char* what) { throw SystemError(ErrorDomain::kNone, fmt::format("{} '{}'", what, path)); };
    Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) fail("Unable to open");
    struct stat info;
    if (fstat(fd.get(), &info) < 0) fail("Unable to stat");
    // What is set aside grows with it, and fails before anything changed.
    bool grows = capacity > static_cast<std::uint64_t>(info.st_size);
    if (!(allocate && grows) && ftruncate(fd.get(), static_cast<off_t>(capacity)) < 0) fail("Failed to truncate file");
    if (fsync(fd.get()) < 0) fail("Failed to save");
    return std::make_shared<Fd>(std::move(fd));
  };
  File file = co_await Offload(resize);
  if (allocate) co_await Allocate(file, 0, capacity, path);
}

Task<> RemoveVolume(const VolumeDef& volume) {
  auto remove = [path = volume.target.path, type = volume.type] {
    if (type == model::VolumeType::kDir) {
      if (rmdir(path.c_str()) < 0) Fail(fmt::format("cannot remove directory '{}'", path));
    } else if (type == model::VolumeType::kFile) {
      if (unlink(path.c_str()) < 0 && errno != ENOENT) Fail(fmt::format("cannot unlink file '{}'", path));
    } else {
      throw Error(ErrorDomain::kStorage, ErrorCode::kNoSupport, "removing block or network volumes is not supported: " + path);
    }
  };
  co_await Offload(remove);
}

}  // namespace bv::storage
