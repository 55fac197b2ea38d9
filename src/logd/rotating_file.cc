#include "logd/rotating_file.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "logd/compressed_file.h"

namespace bv::logd {

namespace {

constexpr std::size_t kLineSearch = 80;
constexpr std::size_t kCopyBuffer = 64 * 1024;
constexpr std::size_t kPage = 4096;
// This close to the limit the data has to be looked at, unless there is this much of it.
constexpr std::size_t kNearLimit = 64 * 1024;
constexpr int kFlood = 32 * 1024;
constexpr ssize_t kByHand = -2;
constexpr std::chrono::seconds kQuiet{10};
constexpr const char* kLogSource = "logging.log_handler";

Fd OpenLogFile(const std::string& path, int flags) {
  // Not O_APPEND: splice refuses such files.
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600));
  if (!fd) throw SystemError(ErrorDomain::kNone, "Unable to open file: " + path);
  return fd;
}

void RenameIfThere(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) < 0 && errno != ENOENT) {
    throw SystemError(ErrorDomain::kNone, "Unable to rename " + from + " to " + to);
  }
}

void RemoveBackups(const std::string& path, unsigned count) {
  for (unsigned number = 0; number < count; ++number) {
    unlink(BackupName(path, number).c_str());
    unlink(CompressedName(path, number).c_str());
  }
}

// Makes room at NAME.0; the last one is dropped, whichever kind it is.
void ShiftBackups(const std::string& path, unsigned count) {
  unlink(BackupName(path, count - 1).c_str());
  unlink(CompressedName(path, count - 1).c_str());
  for (unsigned number = count - 1; number > 0; --number) {
    RenameIfThere(BackupName(path, number - 1), BackupName(path, number));
    RenameIfThere(CompressedName(path, number - 1), CompressedName(path, number));
  }
}

}  // namespace

std::uint64_t InodeOf(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}
std::uint64_t InodeOf(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

RotatingFile::RotatingFile(std::string path, RotationLimits limits, bool truncate)
    : path_(std::move(path)), limits_(limits) {
  Use(OpenLogFile(path_, truncate ? O_TRUNC : 0));
  if (truncate) RemoveBackups(path_, limits_.max_backups);
  unlink(NextName(path_).c_str());
}

RotatingFile::RotatingFile(std::string path, RotationLimits limits, Fd file, std::uint64_t lost)
    : path_(std::move(path)), limits_(limits), lost_(lost) {
  Use(std::move(file));
}

void RotatingFile::Use(Fd fd) {
  struct stat info;
  if (fstat(fd.get(), &info) < 0) throw SystemError(ErrorDomain::kNone, "Unable to look at file: " + path_);
  fd_ = std::move(fd);
  inode_ = info.st_ino;
  size_ = static_cast<std::uint64_t>(info.st_size);
  can_splice_ = S_ISREG(info.st_mode);
}

// logrotate's copytruncate, an administrator's `echo >> log`.
void RotatingFile::NoticeOthers() {
  struct stat info;
  if (fstat(fd_.get(), &info) == 0 && S_ISREG(info.st_mode)) size_ = static_cast<std::uint64_t>(info.st_size);
}

void RotatingFile::Append(std::string_view data) {
  NoticeOthers();
  AppendFrom(data);
}

void RotatingFile::AppendFrom(std::string_view& data) {
  while (!data.empty()) {
    if (limits_.max_size == 0 || size_ + data.size() <= limits_.max_size) return Write(data, data.size());
    std::size_t chunk = size_ < limits_.max_size ? limits_.max_size - size_ : 0;
    // A line that ends near the limit ends the file; it may be the last one written.
    auto newline = data.substr(0, chunk).rfind('\n');
    if (newline != data.npos) {
      if (chunk - newline <= kLineSearch) chunk = newline + 1;
    } else if (chunk < kLineSearch && EndsWithLine()) {
      chunk = 0;
    }
    Write(data, chunk);
    RollOver();
  }
}

void RotatingFile::Write(std::string_view& data, std::size_t count) {
  while (count > 0) {
    auto written = pwrite(fd_.get(), data.data(), count, static_cast<off_t>(size_));
    if (written < 0 && errno == ESPIPE) written = write(fd_.get(), data.data(), count);  // a device
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == ENOSPC && on_full && on_full()) continue;
    if (written < 0) throw SystemError(ErrorDomain::kNone, "Unable to write to file: " + path_);
    if (losing_) Recovered();
    size_ += static_cast<std::uint64_t>(written);
    data.remove_prefix(static_cast<std::size_t>(written));
    count -= static_cast<std::size_t>(written);
  }
}

bool RotatingFile::EndsWithLine() const {
  char last;
  return size_ > 0 && pread(fd_.get(), &last, 1, static_cast<off_t>(size_ - 1)) == 1 && last == '\n';
}

// The next file is there before anything is renamed: when it cannot be had (no space, no directory any
// more), all is as it was.
void RotatingFile::RollOver() {
  Fd next = CreateNext();
  // Its pages are freed with its last descriptor, which takes a while and need not be here.
  Fd oldest;
  if (on_discard && limits_.max_backups > 0) {
    oldest.Reset(open(BackupName(path_, limits_.max_backups - 1).c_str(), O_RDONLY | O_CLOEXEC));
  }
  try {
    if (limits_.max_backups > 0) {
      ShiftBackups(path_, limits_.max_backups);
      RenameIfThere(path_, BackupName(path_, 0));
    }
    if (rename(NextName(path_).c_str(), path_.c_str()) < 0) {
      throw SystemError(ErrorDomain::kNone, "Unable to rename " + NextName(path_));
    }
  } catch (...) {
    unlink(NextName(path_).c_str());
    throw;
  }
  Use(std::move(next));
  if (oldest) on_discard(std::move(oldest));
  if (on_roll_over) on_roll_over();
}

// Its inode must differ from those of the backups that were compressed, which the file system may give out
// again: positions would mean two things.
Fd RotatingFile::CreateNext() const {
  std::vector<Fd> taken;  // kept while we ask for another
  for (;;) {
    Fd fd = OpenLogFile(NextName(path_), O_TRUNC);
    if (!limits_.compress) return fd;
    std::uint64_t inode = InodeOf(fd.get());
    bool known = false;
    for (unsigned number = 0; number < limits_.max_backups; ++number) {
      known |= CompressedInode(CompressedName(path_, number)) == inode;
    }
    if (!known) return fd;
    unlink(NextName(path_).c_str());
    taken.push_back(std::move(fd));
  }
}

ssize_t RotatingFile::TakeFromPipe(int pipe, std::size_t max, const Pipe* between) {
  NoticeOthers();
  ssize_t moved = can_splice_ && !losing_ && IsAligned() ? Splice(pipe, max, between) : kByHand;
  if (moved == kByHand) moved = Copy(pipe, max);
  // Who writes into an empty pipe begins a new page.
  taken_ = moved > 0 ? taken_ + static_cast<std::uint64_t>(moved) : 0;
  return moved;
}

// Whether pages of the pipe are pages of the file; if not, splice costs more than copying.
bool RotatingFile::IsAligned() const { return (size_ - taken_) % kPage == 0; }

// Up to the limit without looking at the data, if it comes in a flood; near the limit what trickles has its
// lines kept whole by Copy().
ssize_t RotatingFile::Splice(int pipe, std::size_t max, const Pipe* between) {
  if (limits_.max_size != 0) {
    std::uint64_t room = limits_.max_size - std::min(limits_.max_size, size_);
    if (room < kNearLimit) {
      int there = 0;
      if (ioctl(pipe, FIONREAD, &there) < 0 || there < kFlood) return kByHand;
    }
    if (room == 0) {
      try {
        RollOver();
      } catch (const Error&) {
        return kByHand;  // fails again there, and is told
      }
      room = limits_.max_size;
    }
    max = std::min<std::uint64_t>(max, room);
  }
  if (!between) return SpliceToFile(pipe, max);
  auto moved = splice(pipe, nullptr, between->in.get(), nullptr, max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  for (auto left = moved; left > 0;) {
    auto step = can_splice_ ? SpliceToFile(between->out.get(), static_cast<std::size_t>(left)) : kByHand;
    if (step <= 0) step = Copy(between->out.get(), static_cast<std::size_t>(left));
    left -= step;
  }
  return moved;
}

ssize_t RotatingFile::SpliceToFile(int pipe, std::size_t max) {
  auto offset = static_cast<loff_t>(size_);
  auto moved = splice(pipe, nullptr, fd_.get(), &offset, max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (moved > 0) size_ += static_cast<std::uint64_t>(moved);
  if (moved >= 0 || errno == EAGAIN) return moved;
  can_splice_ = errno != EINVAL;  // a file system without it; or there is no space
  return kByHand;
}

ssize_t RotatingFile::Copy(int pipe, std::size_t max) {
  char buffer[kCopyBuffer];
  auto got = read(pipe, buffer, std::min(max, kCopyBuffer - size_ % kPage));
  if (got <= 0) return got;
  std::string_view data(buffer, static_cast<std::size_t>(got));
  try {
    AppendFrom(data);
  } catch (const Error& error) {
    CountLost(data.size(), error.what());
  }
  return got;
}

// Told when it begins and when it ends, and not all the time on a disk that is nearly full.
void RotatingFile::CountLost(std::size_t bytes, const char* why) {
  if (!losing_) {
    losing_ = true;
    told_ = Clock::now() >= quiet_until_;
    if (told_) LogWarn(kLogSource, "{}; what comes is lost until that changes", why);
  }
  lost_ += bytes;
}

void RotatingFile::Recovered() {
  losing_ = false;
  if (!told_) return;
  LogWarn(kLogSource, "{} is written again; {} bytes of it have been lost", path_, lost_);
  quiet_until_ = In(kQuiet);
}

}  // namespace bv::logd
