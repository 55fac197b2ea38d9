#include "qemu/command_line/host_queries.h"

#include <fmt/format.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/files.h"

namespace bv::qemu {

namespace {

constexpr ErrorDomain kNoDomain = ErrorDomain::kNone;

// Throws kSystemError where there is none.
std::vector<std::string> Directory(const std::string& path) {
  if (!FileExists(path)) throw SystemError(kNoDomain, fmt::format("cannot open directory '{}'", path));
  return ListDirectory(path);
}

std::uint64_t DefaultHugepageKib() {
  std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::fopen("/proc/meminfo", "re"), std::fclose);
  char line[256];
  unsigned long long kib = 0;
  while (file && std::fgets(line, sizeof line, file.get())) {
    if (std::sscanf(line, "Hugepagesize: %llu kB", &kib) == 1) return kib;
  }
  return 0;
}

}  // namespace

bool HostQueries::FileExists(const std::string& path) const { return access(path.c_str(), F_OK) == 0; }

bool HostQueries::NumaNodeExists(unsigned node) const {
  return FileExists(fmt::format("/sys/devices/system/node/node{}", node)) ||
         // A kernel without NUMA has one node that it does not show.
         (node == 0 && !FileExists("/sys/devices/system/node"));
}

std::uint64_t HostQueries::PageSizeKib() const { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 1024; }

std::vector<HostQueries::HugetlbfsMount> HostQueries::HugetlbfsMounts() const {
  std::vector<HugetlbfsMount> mounts;
  std::unique_ptr<std::FILE, decltype(&endmntent)> file(setmntent("/proc/mounts", "r"), endmntent);
  if (!file) return mounts;
  std::uint64_t default_kib = DefaultHugepageKib();
  mntent entry;
  char buffer[4096];
  while (getmntent_r(file.get(), &entry, buffer, sizeof buffer)) {
    if (std::string_view(entry.mnt_type) != "hugetlbfs") continue;
    struct statfs fs;
    if (statfs(entry.mnt_dir, &fs) != 0) continue;
    auto kib = static_cast<std::uint64_t>(fs.f_bsize) / 1024;
    mounts.push_back({entry.mnt_dir, kib, kib == default_kib});
  }
  return mounts;
}

std::string HostQueries::DrmRenderNode() const {
  for (auto& name : Directory("/dev/dri")) {
    if (name.starts_with("renderD")) return "/dev/dri/" + name;
  }
  throw Error(kNoDomain, ErrorCode::kInternalError, "No DRM render nodes available");
}

std::string HostQueries::ScsiGenericName(unsigned host, unsigned bus, unsigned target, std::uint64_t unit) const {
  auto names = Directory(fmt::format("/sys/bus/scsi/devices/{}:{}:{}:{}/scsi_generic", host, bus, target, unit));
  if (names.empty()) throw SystemError(kNoDomain, ENOENT, "no SCSI generic device");
  return names.front();
}

bool HostQueries::IsBlockDevice(const std::string& path) const {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISBLK(info.st_mode);
}

const HostQueries& HostQueries::Real() {
  static const HostQueries real;
  return real;
}

}  // namespace bv::qemu
