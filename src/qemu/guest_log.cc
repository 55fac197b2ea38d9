#include "qemu/guest_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

namespace bv::qemu {
namespace {

// What log readers look for: the version whose behaviour we have.
constexpr char kCompatibleVersion[] = "9.0.0";

}  // namespace

std::string LogTimestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}+0000", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000000);
}

Fd OpenGuestLog(const std::string& path) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("failed to create logfile {}", path));
  return fd;
}

std::uint64_t GuestLogSize(int fd) {
  struct stat info{};
  return fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

void WriteGuestLog(int fd, std::string_view text) {
  while (!text.empty()) {
    auto written = write(fd, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string StartBanner(const CommandLine& line, std::string_view qemu_version) {
  utsname host{};
  uname(&host);
  return fmt::format("{}: starting up libvirt version: {}, qemu version: {}, kernel: {}, hostname: {}\n{}\n",
                     LogTimestamp(), kCompatibleVersion, qemu_version, host.release, host.nodename, line.ToShell());
}

std::string GuestLogTail(const std::string& path, std::uint64_t offset) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  auto size = GuestLogSize(fd.get());
  constexpr std::uint64_t kMost = 64 << 10;
  if (size > offset + kMost) offset = size - kMost;
  std::string text(static_cast<std::size_t>(size > offset ? size - offset : 0), '\0');
  auto got = pread(fd.get(), text.data(), text.size(), static_cast<off_t>(offset));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);

  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = std::string_view(text).substr(at, end - at);
    // Where a pty went is news of every start, and no reason for a failure.
    if (!line.starts_with("char device redirected to")) kept.append(line).append("\n");
    at = end + 1;
  }
  while (!kept.empty() && kept.back() == '\n') kept.pop_back();
  constexpr std::size_t kShown = 1024;
  if (kept.size() > kShown) kept.erase(0, kept.size() - kShown);
  return kept;
}

}  // namespace bv::qemu
