#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv::qemu {

// What a command line needs to know of this machine, looked up when it is built. Small reads of
// /sys, /proc and /dev that do not block; a seam so that tests can have another machine.
class HostQueries {
 public:
  struct HugetlbfsMount {
    std::string directory;
    std::uint64_t page_size_kib;
    bool is_default_size;
  };

  virtual ~HostQueries() = default;
  virtual bool FileExists(const std::string& path) const;
  virtual bool NumaNodeExists(unsigned node) const;
  virtual std::uint64_t PageSizeKib() const;
  // hugetlbfs mounts in the order of /proc/mounts.
  virtual std::vector<HugetlbfsMount> HugetlbfsMounts() const;
  // "/dev/dri/renderD128", the first there is. Throws kSystemError when /dev/dri cannot be read,
  // kInternalError when nothing is in there.
  virtual std::string DrmRenderNode() const;
  // "sg0" for the SCSI device H:B:T:L. Throws kSystemError when there is none.
  virtual std::string ScsiGenericName(unsigned host, unsigned bus, unsigned target, std::uint64_t unit) const;
  // A block device (its image is then opened as one).
  virtual bool IsBlockDevice(const std::string& path) const;

  static const HostQueries& Real();
};

}  // namespace bv::qemu
