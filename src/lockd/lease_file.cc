#include "lockd/lease_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace bv::lockd {

namespace {

// False when somebody else has it.
bool TryLock(int fd, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EACCES || errno == EAGAIN) return false;
  throw SystemError(ErrorDomain::kLockspace, "Unable to acquire lock");
}

// Whether opening the file would endanger such a lock.
bool IsForbidden(const std::string& path, const FileIds& forbidden) {
  struct stat info;
  return !forbidden.empty() && stat(path.c_str(), &info) == 0 && forbidden.contains({info.st_dev, info.st_ino});
}

bool HoldsPosixLock(int fd) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid == getpid();
}

void DropPosixLock(int fd) {
  struct flock lock = {};
  lock.l_type = F_UNLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  fcntl(fd, F_SETLK, &lock);
}

// Whether the path still leads to the file that was opened.
bool IsSameFile(int fd, const std::string& path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace

void ThrowBusy(const std::string& name) {
  throw Error(ErrorDomain::kLockspace, ErrorCode::kResourceBusy, "Lockspace resource '" + name + "' is locked");
}

void LeaseFile::Create(const std::string& name, const std::string& path, const FileIds& forbidden) {
  if (IsForbidden(path, forbidden)) ThrowBusy(name);
  Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) throw SystemError(ErrorDomain::kLockspace, "Unable to open/create resource " + path);
}

LeaseFile LeaseFile::Lock(const std::string& name, const std::string& path, unsigned flags, const FileIds& forbidden) {
  if (IsForbidden(path, forbidden)) ThrowBusy(name);
  int mode = O_RDWR | O_CLOEXEC | (flags & kAutocreate ? O_CREAT : 0);
  for (;;) {
    LeaseFile file(Fd(open(path.c_str(), mode, 0600)));
    if (!file.fd_) {
      const char* what = flags & kAutocreate ? "Unable to open/create resource " : "Unable to open resource ";
      throw SystemError(ErrorDomain::kLockspace, what + path);
    }
    if (!TryLock(file.fd(), flags & kShared ? F_RDLCK : F_WRLCK)) ThrowBusy(name);
    // The last owner elsewhere removes the file that it autocreated: a lock on that one is worth nothing.
    if (!(flags & kAutocreate) || IsSameFile(file.fd(), path)) return file;
  }
}

LeaseFile LeaseFile::TakeOver(const std::string& name, Fd fd, unsigned flags) {
  LeaseFile file(std::move(fd));
  if (TryLock(file.fd(), flags & kShared ? F_RDLCK : F_WRLCK)) {
    DropPosixLock(file.fd());
  } else {
    if (!HoldsPosixLock(file.fd())) ThrowBusy(name);
    struct stat info = {};
    fstat(file.fd(), &info);
    file.posix_ = {info.st_dev, info.st_ino};
  }
  return file;
}

void LeaseFile::Drop(const std::string& path, unsigned flags) && {
  // With a shared lease other hosts may still be there: the file goes with the one that is alone.
  bool alone = !(flags & kShared) || TryLock(fd(), F_WRLCK);
  if ((flags & kAutocreate) && alone) unlink(path.c_str());
  // Not by the close alone: a process that is just being started has copies of our descriptors.
  if (!posix_) TryLock(fd(), F_UNLCK);
  fd_.Reset();
}

}  // namespace bv::lockd
