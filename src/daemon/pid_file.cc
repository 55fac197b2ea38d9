#include "daemon/pid_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/error.h"

namespace bv {

PidFile::PidFile(const std::string& path) : path_(path) { Acquire(); }

PidFile::PidFile(const std::string& path, Fd held) : path_(path), fd_(std::move(held)) {
  if (!fd_ || !Holds()) Acquire();
}

bool PidFile::Holds() const {
  // A POSIX lock, which the original's daemons respect; it goes with the process.
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  if (fcntl(fd_.get(), F_SETLK, &lock) < 0) return false;
  struct stat opened, present;
  return fstat(fd_.get(), &opened) == 0 && stat(path_.c_str(), &present) == 0 && present.st_ino == opened.st_ino;
}

void PidFile::Acquire() {
  do {
    fd_.Reset(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!fd_) throw SystemError(ErrorDomain::kNone, fmt::format("Failed to open pid file '{}'", path_));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(fd_.get(), F_SETLK, &lock) < 0) {
      throw SystemError(ErrorDomain::kNone, fmt::format("Failed to acquire pid file '{}'", path_));
    }
    // The former holder may have removed the file between our open and our lock.
  } while (!Holds());

  std::string pid = std::to_string(getpid());
  if (ftruncate(fd_.get(), 0) < 0 || write(fd_.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size())) {
    throw SystemError(ErrorDomain::kNone, fmt::format("Failed to write to pid file '{}'", path_));
  }
}

PidFile::~PidFile() { Remove(); }

void PidFile::Remove() {
  if (fd_) unlink(path_.c_str());
  fd_.Reset();
}

}  // namespace bv
