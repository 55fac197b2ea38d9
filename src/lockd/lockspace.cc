#include "lockd/lockspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/files.h"

namespace bv::lockd {

namespace {

[[noreturn]] void ThrowBusy(const std::string& name) {
  throw Error(ErrorDomain::kLockspace, ErrorCode::kResourceBusy, "Lockspace resource '" + name + "' is locked");
}

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

// Files that may not be opened, because closing them again would drop a POSIX lock of ours.
using FileId = std::pair<dev_t, ino_t>;
std::set<FileId>& PosixLocked() {
  static std::set<FileId> files;
  return files;
}

std::optional<FileId> IdOf(int fd) {
  struct stat info;
  if (fstat(fd, &info) < 0) return std::nullopt;
  return FileId(info.st_dev, info.st_ino);
}

// Whether opening the file would endanger such a lock.
bool IsPosixLocked(const std::string& path) {
  struct stat info;
  return !PosixLocked().empty() && stat(path.c_str(), &info) == 0 && PosixLocked().contains({info.st_dev, info.st_ino});
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

Lockspace::Lockspace(std::string directory) : directory_(std::move(directory)) {
  if (directory_.empty()) return;
  struct stat info;
  if (stat(directory_.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return;
    throw Error(ErrorDomain::kLockspace, ErrorCode::kInternalError,
                "Lockspace location " + directory_ + " exists, but is not a directory");
  }
  try {
    MakeDirs(directory_.substr(0, directory_.rfind('/')), 0700);
    MakeDirs(directory_, 0700);
  } catch (const Error& error) {
    throw SystemError(ErrorDomain::kLockspace, error.int1, "Unable to create lockspace " + directory_);
  }
}

std::string Lockspace::PathOf(const std::string& name) const {
  return directory_.empty() ? name : directory_ + "/" + name;
}

void Lockspace::Create(const std::string& name) {
  if (leases_.contains(name) || IsPosixLocked(PathOf(name))) ThrowBusy(name);
  Fd fd(open(PathOf(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) throw SystemError(ErrorDomain::kLockspace, "Unable to open/create resource " + PathOf(name));
}

void Lockspace::Delete(const std::string& name) {
  if (leases_.contains(name)) ThrowBusy(name);
  if (unlink(PathOf(name).c_str()) < 0 && errno != ENOENT) {
    throw SystemError(ErrorDomain::kLockspace, "Unable to delete resource " + PathOf(name));
  }
}

Fd Lockspace::OpenAndLock(const std::string& name, unsigned flags) const {
  std::string path = PathOf(name);
  if (IsPosixLocked(path)) ThrowBusy(name);
  int mode = O_RDWR | O_CLOEXEC | (flags & kAutocreate ? O_CREAT : 0);
  for (;;) {
    Fd fd(open(path.c_str(), mode, 0600));
    if (!fd) {
      const char* what = flags & kAutocreate ? "Unable to open/create resource " : "Unable to open resource ";
      throw SystemError(ErrorDomain::kLockspace, what + path);
    }
    if (!TryLock(fd.get(), flags & kShared ? F_RDLCK : F_WRLCK)) ThrowBusy(name);
    // The last owner elsewhere removes the file that it autocreated: a lock on that one is worth nothing.
    if (!(flags & kAutocreate) || IsSameFile(fd.get(), path)) return fd;
  }
}

void Lockspace::Acquire(const std::string& name, pid_t owner, unsigned flags) {
  auto found = leases_.find(name);
  if (found != leases_.end()) {
    if (!(flags & found->second.flags & kShared)) ThrowBusy(name);
    found->second.owners.push_back(owner);
    return;
  }
  Fd fd = OpenAndLock(name, flags);
  leases_.emplace(name, Lease{std::move(fd), flags, {owner}});
}

void Lockspace::Release(const std::string& name, pid_t owner) {
  auto found = leases_.find(name);
  if (found == leases_.end()) {
    throw Error(ErrorDomain::kLockspace, ErrorCode::kResourceBusy, "Lockspace resource '" + name + "' is not locked");
  }
  auto& owners = found->second.owners;
  auto mine = std::ranges::find(owners, owner);
  if (mine == owners.end()) {
    throw Error(ErrorDomain::kLockspace, ErrorCode::kInternalError,
                "owner " + std::to_string(owner) + " does not hold the resource lock");
  }
  owners.erase(mine);
  if (owners.empty()) Drop(found);
}

bool Lockspace::ReleaseAllOf(pid_t owner) {
  bool any = false;
  for (auto it = leases_.begin(); it != leases_.end();) {
    auto lease = it++;
    auto& owners = lease->second.owners;
    auto removed = std::erase(owners, owner);
    any |= removed > 0;
    if (removed > 0 && owners.empty()) Drop(lease);
  }
  return any;
}

void Lockspace::Drop(std::map<std::string, Lease>::iterator lease) {
  const Lease& held = lease->second;
  // With a shared lease other hosts may still be there: the file goes with the one that is alone.
  bool alone = !(held.flags & kShared) || TryLock(held.fd.get(), F_WRLCK);
  if ((held.flags & kAutocreate) && alone) unlink(PathOf(lease->first).c_str());
  // Not by the close alone: a process that is just being started has copies of our descriptors.
  if (!held.posix) TryLock(held.fd.get(), F_UNLCK);
  auto id = held.posix ? IdOf(held.fd.get()) : std::nullopt;
  if (id) PosixLocked().erase(*id);
  leases_.erase(lease);
}

std::vector<SavedLease> Lockspace::Save(upgrade::PassedFds& fds) const {
  std::vector<SavedLease> saved;
  for (const auto& [name, lease] : leases_) {
    saved.push_back({name, PathOf(name), fds.Pass(lease.fd.get()), lease.flags, lease.owners});
  }
  return saved;
}

void Lockspace::Restore(SavedLease saved, Fd fd) {
  Lease lease{std::move(fd), saved.flags, std::move(saved.owners)};
  if (TryLock(lease.fd.get(), lease.flags & kShared ? F_RDLCK : F_WRLCK)) {
    DropPosixLock(lease.fd.get());
  } else {
    if (!HoldsPosixLock(lease.fd.get())) ThrowBusy(saved.name);
    lease.posix = true;
    if (auto id = IdOf(lease.fd.get())) PosixLocked().insert(*id);
  }
  leases_.insert_or_assign(std::move(saved.name), std::move(lease));
}

}  // namespace bv::lockd
