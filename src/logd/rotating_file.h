#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/loop.h"
#include "logd/log_files.h"

namespace bv::logd {

// Both of its ends do not block.
struct Pipe {
  Fd out, in;
};

// Writes a log. The limit is exact: a file that was rolled over holds `max_size` bytes, or up to 80 less
// when a line ends there, so that lines stay whole; only a flood of output is cut at the limit wherever
// that is, as libvirt does. Others may truncate the file or append to it meanwhile. Blocks only as files do. Everything throws kSystemError (domain kNone).
class RotatingFile {
 public:
  // Appends to the file, or creates it (mode 0600). `truncate`: starts from nothing, without backups.
  RotatingFile(std::string path, RotationLimits limits, bool truncate);
  // Goes on with a file that is open already, and has lost so many bytes.
  RotatingFile(std::string path, RotationLimits limits, Fd file, std::uint64_t lost);
  RotatingFile(RotatingFile&&) = default;

  // What was written before it throws stays.
  void Append(std::string_view data);

  // Moves up to `max` bytes from a pipe that does not block into the file, without copying them where the
  // kernel can. Returns what it took: 0 at the pipe's end, -1 when there is nothing now. Never throws: what
  // cannot be written (a full disk) is lost, counted and told in the daemon's log, and as soon as there is
  // room the log goes on; so who writes into the pipe never waits for the disk.
  // `between` is an empty pipe of the caller's, and is that again afterwards. Without one the writer has to
  // wait at every step, since the kernel locks the pipe as long as it writes to the file.
  ssize_t TakeFromPipe(int pipe, std::size_t max, const Pipe* between = nullptr);

  const std::string& path() const { return path_; }
  LogPosition position() const { return {inode_, size_}; }
  std::uint64_t lost_bytes() const { return lost_; }
  int fd() const { return fd_.get(); }

  // All are called by whoever writes. Called after each roll-over.
  std::function<void()> on_roll_over;
  // Given the file that was dropped, to be closed where that may take its time.
  std::function<void(Fd)> on_discard;
  // Makes room on a full disk; true when there may be some now.
  std::function<bool()> on_full;

 private:
  void Use(Fd fd);
  void NoticeOthers();
  bool IsAligned() const;
  ssize_t Splice(int pipe, std::size_t max, const Pipe* between);
  ssize_t SpliceToFile(int pipe, std::size_t max);
  ssize_t Copy(int pipe, std::size_t max);
  // Both take off `data` what they wrote.
  void AppendFrom(std::string_view& data);
  void Write(std::string_view& data, std::size_t count);
  bool EndsWithLine() const;
  void RollOver();
  Fd CreateNext() const;
  void CountLost(std::size_t bytes, const char* why);
  void Recovered();

  std::string path_;
  RotationLimits limits_;
  Fd fd_;
  std::uint64_t inode_ = 0;
  std::uint64_t size_ = 0;  // where the next byte goes
  std::uint64_t taken_ = 0;  // from the pipe since it was empty
  std::uint64_t lost_ = 0;
  bool losing_ = false;      // nothing has been written since something was lost
  bool told_ = false;        // the daemon's log says so
  Deadline quiet_until_{};
  bool can_splice_ = true;
};

}  // namespace bv::logd
