#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

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

std::vector<std::string> ListDirectory(const std::string& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  while (dirent* entry = dir ? readdir(dir.get()) : nullptr) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> ListDirectory(const std::string& path, std::string_view suffix) {
  auto names = ListDirectory(path);
  std::erase_if(names, [&](const std::string& name) {
    return name.starts_with('.') || name.size() <= suffix.size() || !name.ends_with(suffix);
  });
  return names;
}

void RemoveTree(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) < 0) return;
  if (!S_ISDIR(info.st_mode)) {
    unlink(path.c_str());
    return;
  }
  for (const std::string& name : ListDirectory(path)) RemoveTree(path + "/" + name);
  rmdir(path.c_str());
}

std::optional<std::string> FindProgram(const std::string& name) {
  auto executable = [](const std::string& path) {
    struct stat info;
    return access(path.c_str(), X_OK) == 0 && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  };
  if (name.find('/') != name.npos) return executable(name) ? std::optional(name) : std::nullopt;
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    auto end = std::min(rest.find(':'), rest.size());
    std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (executable(candidate)) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

}  // namespace bv
