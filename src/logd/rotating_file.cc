#include "logd/rotating_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace bv::logd {

namespace {

constexpr std::size_t kLineSearch = 80;
constexpr std::size_t kCopyBuffer = 64 * 1024;

std::string BackupName(const std::string& path, unsigned number) { return path + "." + std::to_string(number); }

}  // namespace

RotatingFile::RotatingFile(std::string path, RotationLimits limits, bool truncate)
    : path_(std::move(path)), limits_(limits) {
  Open(truncate);
}

void RotatingFile::Open(bool truncate) {
  // Not O_APPEND: splice refuses such files. Nobody else writes to them.
  Fd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (truncate ? O_TRUNC : 0), 0600));
  if (!fd) throw SystemError(ErrorDomain::kNone, "cannot open log file " + path_);
  struct stat info;
  if (fstat(fd.get(), &info) < 0) throw SystemError(ErrorDomain::kNone, "cannot look at log file " + path_);
  lseek(fd.get(), 0, SEEK_END);
  fd_ = std::move(fd);
  inode_ = info.st_ino;
  size_ = static_cast<std::uint64_t>(info.st_size);
}

void RotatingFile::RollOver() {
  if (limits_.max_backups == 0) {
    unlink(path_.c_str());
  } else {
    for (unsigned number = limits_.max_backups - 1; number > 0; --number) {
      rename(BackupName(path_, number - 1).c_str(), BackupName(path_, number).c_str());
    }
    rename(path_.c_str(), BackupName(path_, 0).c_str());
  }
  Open(false);
}

void RotatingFile::Append(std::string_view data) {
  while (!data.empty()) {
    std::size_t chunk = data.size();
    bool roll = false;
    if (limits_.max_size != 0 && size_ + chunk > limits_.max_size) {
      roll = true;
      chunk = size_ < limits_.max_size ? limits_.max_size - size_ : 0;
      // A line that ends near the limit ends the file.
      auto newline = data.substr(0, chunk).rfind('\n');
      if (newline != data.npos && chunk - newline <= kLineSearch) chunk = newline + 1;
    }
    Write(data.substr(0, chunk));
    data.remove_prefix(chunk);
    if (roll) RollOver();
  }
}

void RotatingFile::Write(std::string_view data) {
  while (!data.empty()) {
    auto written = write(fd_.get(), data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return CountLost(data.size(), errno);
    }
    losing_ = false;
    size_ += static_cast<std::uint64_t>(written);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

void RotatingFile::CountLost(std::size_t bytes, int error) {
  lost_ += bytes;
  if (losing_) return;
  losing_ = true;
  LogWarn("logging.log_handler", "{}; {} bytes of it are lost so far",
          SystemError(ErrorDomain::kNone, error, "cannot write to " + path_).what(), lost_);
}

ssize_t RotatingFile::TakeFromPipe(int pipe, std::size_t max) {
  // Far from the limit nobody has to look at the data.
  std::uint64_t room = limits_.max_size == 0 ? max : limits_.max_size - std::min(limits_.max_size, size_);
  if (room > kCopyBuffer && !losing_) {
    std::size_t count = std::min<std::uint64_t>(max, limits_.max_size == 0 ? room : room - kCopyBuffer);
    auto moved = splice(pipe, nullptr, fd_.get(), nullptr, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved > 0) size_ += static_cast<std::uint64_t>(moved);
    if (moved >= 0) return moved;
    if (errno == EAGAIN) return -1;
    // A file system without splice, or no space: by hand, which also counts what is lost.
  }
  char buffer[kCopyBuffer];
  auto got = read(pipe, buffer, std::min(max, sizeof buffer));
  if (got > 0) Append({buffer, static_cast<std::size_t>(got)});
  return got;
}

std::string ReadRotated(const std::string& path, unsigned max_backups, LogPosition from, std::uint64_t max) {
  // Oldest first. Files are opened before they are looked at, so that a roll-over in between does no harm.
  struct Part {
    Fd fd;
    std::uint64_t inode;
  };
  std::vector<Part> parts;
  for (unsigned number = max_backups + 1; number-- > 0;) {
    std::string name = number == 0 ? path : BackupName(path, number - 1);
    Fd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info;
    if (!fd || fstat(fd.get(), &info) < 0) {
      if (number == 0 && parts.empty()) throw SystemError(ErrorDomain::kNone, "cannot open log file " + path);
      continue;
    }
    std::uint64_t inode = info.st_ino;
    bool seen = std::ranges::any_of(parts, [=](auto& part) { return part.inode == inode; });
    if (!seen) parts.push_back({std::move(fd), inode});
  }
  auto first = std::ranges::find(parts, from.inode, &Part::inode);
  std::uint64_t offset = from.offset;
  if (first == parts.end()) {
    first = parts.begin();
    offset = 0;
  }
  std::string data;
  for (auto part = first; part != parts.end() && data.size() < max; ++part, offset = 0) {
    std::size_t before;
    do {
      before = data.size();
      auto step = std::min<std::uint64_t>(max - before, kCopyBuffer);
      data.resize(before + step);
      auto got = pread(part->fd.get(), data.data() + before, step, static_cast<off_t>(offset));
      data.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      offset += data.size() - before;
    } while (data.size() > before && data.size() < max);
  }
  return data;
}

}  // namespace bv::logd
