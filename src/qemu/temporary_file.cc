#include "qemu/temporary_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"

namespace bv::qemu {

TemporaryFile::~TemporaryFile() {
  if (!path.empty()) unlink(path.c_str());
}

std::shared_ptr<TemporaryFile> TemporaryFile::Make(const std::string& pattern, const QemuConfig& config) {
  auto file = std::make_shared<TemporaryFile>();
  file->path = pattern;
  file->fd.Reset(mkostemp(file->path.data(), O_CLOEXEC));
  if (!file->fd) {
    file->path.clear();
    throw SystemError(ErrorDomain::kQemu, fmt::format("mkostemp(\"{}\") failed", pattern));
  }
  if (config.privileged && fchown(file->fd.get(), config.uid, config.gid) != 0)
    throw SystemError(ErrorDomain::kQemu, fmt::format("cannot change ownership of '{}'", file->path));
  return file;
}

}  // namespace bv::qemu
