#include "lockd/local_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace bv::lockd {

namespace {

// An overlay is one: what it writes to is on this machine.
constexpr unsigned long kZfs = 0x2fc12fc1;
constexpr unsigned long kLocalTypes[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC,     F2FS_SUPER_MAGIC, kZfs,
                                         TMPFS_MAGIC,      RAMFS_MAGIC,      OVERLAYFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC};

// Links that lead to another place without a mount are noticed after this time.
constexpr std::chrono::seconds kBelieved{1};
constexpr std::size_t kMostSeen = 4096;

// The file's place in the kernel's caches, without a word to its file system.
Fd OpenCached(const std::string& path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED;
  return Fd(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
}

}  // namespace

LocalFiles::LocalFiles() : mounts_(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {}

bool LocalFiles::LeadsToLocal(const std::string& path) const {
  Fd place = OpenCached(path);
  struct statx info;
  if (!place || statx(place.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &info) < 0) return false;
  return local_.contains(makedev(info.stx_dev_major, info.stx_dev_minor));
}

bool LocalFiles::Knows(const std::string& path) {
  if (!mounts_) return false;
  Generation();
  auto seen = seen_.find(path);
  if (seen != seen_.end() && Clock::now() < seen->second) return true;
  if (!LeadsToLocal(path)) return false;
  if (seen_.size() >= kMostSeen) seen_.clear();
  seen_[path] = In(kBelieved);
  return true;
}

LocalFiles::Answer LocalFiles::Ask(int fd) {
  struct stat info;
  struct statfs system;
  if (fstat(fd, &info) < 0 || fstatfs(fd, &system) < 0) return {};
  auto type = static_cast<unsigned long>(system.f_type);
  return {info.st_dev, std::ranges::find(kLocalTypes, type) != std::end(kLocalTypes)};
}

// The kernel marks the open table when anything is mounted or unmounted.
std::uint64_t LocalFiles::Generation() {
  pollfd changed{.fd = mounts_.get(), .events = POLLPRI, .revents = 0};
  if (poll(&changed, 1, 0) > 0 && (changed.revents & (POLLPRI | POLLERR))) {
    ++generation_;
    local_.clear();
    seen_.clear();
  }
  return generation_;
}

void LocalFiles::Remember(const Answer& answer, std::uint64_t generation) {
  if (answer.local && generation == Generation()) local_.insert(answer.device);
}

}  // namespace bv::lockd
