#include "qemu/guest_log.h"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>

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

std::string StartBanner(const CommandLine& line, std::string_view qemu_version) {
  utsname host{};
  uname(&host);
  return fmt::format("{}: starting up libvirt version: {}, qemu version: {}, kernel: {}, hostname: {}\n{}\n",
                     LogTimestamp(), kCompatibleVersion, qemu_version, host.release, host.nodename,
                     line.ToShell(CommandLine::Layout::kLines));
}

std::string TaintLine(int id, Taint taint) {
  return fmt::format("{}: Domain id={} is tainted: {}\n", LogTimestamp(), id, TaintName(taint));
}

std::string EndLine(std::string_view reason) {
  return fmt::format("{}: shutting down, reason={}\n", LogTimestamp(), reason);
}

std::string LastWords(std::string_view output) {
  std::string kept;
  for (std::size_t at = 0; at < output.size();) {
    auto end = std::min(output.find('\n', at), output.size());
    auto line = output.substr(at, end - at);
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
