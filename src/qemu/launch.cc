#include "qemu/launch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"

namespace bv::qemu {
namespace {

void WritePidFile(const std::string& path, pid_t pid) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  auto text = std::to_string(pid);
  if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw SystemError(ErrorDomain::kQemu, fmt::format("Failed to write pid file '{}'", path));
}

}  // namespace

Child LaunchNoted(const Command& command, const std::string& pid_file) {
  Child child = StartBlocking(command);
  try {
    WritePidFile(pid_file, child.pid());
  } catch (const Error&) {
    child.Signal(SIGKILL);
    throw;
  }
  return child;
}

}  // namespace bv::qemu
