#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/task.h"
#include "base/uuid.h"

namespace bv {
struct QemuConfig;
}

namespace bv::qemu {

// Where the output of one guest goes: the log of its QEMU, the files and logs of its character devices.
// stdio_handler of qemu.conf decides who writes the files: virtlogd, which limits their size and gives
// QEMU pipes, or QEMU itself. One keeper is one connection to virtlogd; it is made for a start or an end
// and dropped after it, as what QEMU has open does not depend on it. Calls may not overlap.
// Errors are those of the files or of virtlogd (kSystemError, kRpc).
class OutputKeeper {
 public:
  static Task<std::unique_ptr<OutputKeeper>> Make(const QemuConfig& config, Uuid uuid, std::string name);
  virtual ~OutputKeeper() = default;

  // A place in a log, good across its roll-over.
  struct Mark {
    std::uint64_t inode = 0, offset = 0;
  };

  // What QEMU is to write into for the log file `path`, appended to. A session daemon that has nobody to
  // rotate logs starts it afresh when QEMU writes it.
  virtual Task<Fd> OpenLog(std::string path) = 0;
  // The same for a character device's file: emptied unless `append`.
  virtual Task<Fd> OpenFile(std::string path, bool append) = 0;
  // The end of an open log so far, all that was written before included.
  virtual Task<Mark> End(std::string path) = 0;
  // What was written since `mark`.
  virtual Task<std::string> ReadFrom(std::string path, Mark mark) = 0;
  virtual Task<> Append(std::string path, std::string text) = 0;
};

}  // namespace bv::qemu
