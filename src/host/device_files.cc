#include "host/device_files.h"

#include <dirent.h>
#include <unistd.h>

#include <memory>

namespace bv::host {

std::vector<std::string> DeviceFiles::NamesAsListed(const std::string& directory) const {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> open_directory(opendir((root_ + directory).c_str()), &closedir);
  if (!open_directory) return names;
  while (const dirent* entry = readdir(open_directory.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

std::string DeviceFiles::LinkTarget(const std::string& path) const {
  char target[4096];
  ssize_t size = readlink((root_ + path).c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

std::string DeviceFiles::LinkName(const std::string& path) const {
  std::string target = LinkTarget(path);
  return target.substr(target.rfind('/') + 1);
}

}  // namespace bv::host
