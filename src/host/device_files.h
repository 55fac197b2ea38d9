#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/kernel_files.h"

namespace bv::host {

// The kernel's files with what its tree of devices has besides: links, and directories whose order clients see.
class DeviceFiles : public KernelFiles {
 public:
  explicit DeviceFiles(const std::string& root = "") : KernelFiles(root), root_(root) {}

  // Names in a directory as the kernel lists them, without "." and "..".
  std::vector<std::string> NamesAsListed(const std::string& directory) const;
  // What a symbolic link says, and the last part of that; empty when it is none.
  std::string LinkTarget(const std::string& path) const;
  std::string LinkName(const std::string& path) const;

  // What stands for /.
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace bv::host
