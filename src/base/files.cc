#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"

namespace bv {

namespace {

void WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    auto written = write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw SystemError(ErrorDomain::kNone, "cannot write " + path);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string ReadAll(int fd, const std::string& path, std::size_t max) {
  std::string content;
  struct stat info;
  if (fstat(fd, &info) == 0 && info.st_size > 0) content.reserve(static_cast<std::size_t>(info.st_size) + 1);
  for (;;) {
    // Files of the kernel have no size: read until there is no more.
    constexpr std::size_t kStep = 4096;
    auto had = content.size();
    content.resize(std::max(had + kStep, content.capacity()));
    auto got = read(fd, content.data() + had, content.size() - had);
    if (got < 0 && errno != EINTR) throw SystemError(ErrorDomain::kNone, "cannot read " + path);
    content.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return content;
    if (content.size() > max) throw SystemError(ErrorDomain::kNone, EFBIG, "cannot read " + path);
  }
}

std::string DirectoryOf(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::optional<std::string> ReadFileIfExists(const std::string& path, std::size_t max) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    throw SystemError(ErrorDomain::kNone, "cannot open " + path);
  }
  return ReadAll(fd.get(), path, max);
}

std::string ReadFile(const std::string& path, std::size_t max) {
  auto content = ReadFileIfExists(path, max);
  if (!content) throw SystemError(ErrorDomain::kNone, ENOENT, "cannot open " + path);
  return std::move(*content);
}

void WriteFileAtomic(const std::string& path, std::string_view content, mode_t mode) {
  std::string temporary = path + ".new";
  unlink(temporary.c_str());
  Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) throw SystemError(ErrorDomain::kNone, "cannot create " + temporary);
  try {
    WriteAll(fd.get(), content, temporary);
    if (fsync(fd.get()) < 0) throw SystemError(ErrorDomain::kNone, "cannot sync " + temporary);
    fd.Reset();
    if (rename(temporary.c_str(), path.c_str()) < 0) {
      throw SystemError(ErrorDomain::kNone, "cannot rename " + temporary);
    }
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  // Without this the rename itself may be lost.
  Fd directory(open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) fsync(directory.get());
}

void WriteToFile(const std::string& path, std::string_view content) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kNone, "cannot open " + path);
  WriteAll(fd.get(), content, path);
}

void MakeDirs(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0) return;
  if (errno == ENOENT) {
    MakeDirs(DirectoryOf(path), 0755);
    if (mkdir(path.c_str(), mode) == 0) return;
  }
  int failure = errno;
  if (failure == EEXIST) {
    struct stat info;
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return;
    failure = ENOTDIR;
  }
  throw SystemError(ErrorDomain::kNone, failure, "cannot create directory " + path);
}

bool FileExists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace bv
