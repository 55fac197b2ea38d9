#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "qemu/config.h"

namespace bv::qemu {

// A file that QEMU writes something into for us; removed with the object.
struct TemporaryFile {
  std::string path;
  Fd fd;
  ~TemporaryFile();

  // From a pattern that ends in XXXXXX; belongs to the QEMU user. Throws kSystemError.
  static std::shared_ptr<TemporaryFile> Make(const std::string& pattern, const QemuConfig& config);
};

}  // namespace bv::qemu
