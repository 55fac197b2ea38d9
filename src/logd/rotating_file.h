#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace bv::logd {

// Where a byte of a log is: the file may have been renamed since, its inode stays.
struct LogPosition {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
};

// The rules of a log file: NAME grows to `max_size` bytes, then becomes NAME.0, that NAME.1 and so on,
// `max_backups` of them. 0 backups: the file starts again from nothing.
struct RotationLimits {
  std::uint64_t max_size = 2u << 20;  // bytes; 0: no limit
  unsigned max_backups = 3;
};

// Writes a log. Lines are kept whole at a roll-over where they end within the last 80 bytes. A disk
// that is full loses data, which is counted; it never blocks who writes. Blocks only as files do.
class RotatingFile {
 public:
  // Creates the file (mode 0600) or appends to it. Throws kSystemError (domain kNone).
  RotatingFile(std::string path, RotationLimits limits, bool truncate);

  void Append(std::string_view data);

  // Moves up to `max` bytes from a pipe into the file without copying them where the kernel can.
  // Returns what it moved: 0 at the pipe's end, -1 when there is nothing now.
  ssize_t TakeFromPipe(int pipe, std::size_t max);

  const std::string& path() const { return path_; }
  LogPosition position() const { return {inode_, size_}; }
  std::uint64_t lost_bytes() const { return lost_; }

 private:
  void Open(bool truncate);
  void RollOver();
  void Write(std::string_view data);
  void CountLost(std::size_t bytes, int error);

  std::string path_;
  RotationLimits limits_;
  Fd fd_;
  std::uint64_t inode_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t lost_ = 0;
  bool losing_ = false;  // said in the log once, until writing works again
};

// Reads up to `max` bytes from `from` on, through roll-overs; from the oldest that is left when that
// file is gone. Blocks. Throws kSystemError (domain kNone) when there is no file at all.
std::string ReadRotated(const std::string& path, unsigned max_backups, LogPosition from, std::uint64_t max);

}  // namespace bv::logd
