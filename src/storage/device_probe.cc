#include "storage/device_probe.h"

#include <sys/wait.h>

#include <cstdlib>
#include <memory>

#include "base/command.h"
#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace bv::storage {

Task<DeviceContent> ProbeDevice(std::string path) {
  Command command;
  command.argv = {"blkid", "-p", "-o", "export", path};
  auto result = co_await Run(command);
  DeviceContent content;
  constexpr int kNothingFound = 2;
  if (WIFEXITED(result.status) && WEXITSTATUS(result.status) == kNothingFound) co_return content;
  if (!result.ok()) {
    throw Error(ErrorDomain::kStorage, ErrorCode::kStorageProbeFailed, "cannot look at what is on device '" + path + "'");
  }
  for (std::string_view line : SplitAt(result.output, '\n')) {
    if (line.starts_with("TYPE=")) content.file_system = line.substr(5);
    if (line.starts_with("PTTYPE=")) content.partition_table = line.substr(7);
  }
  co_return content;
}

Task<> RequireEmpty(std::string path) {
  DeviceContent content = co_await ProbeDevice(path);
  if (content.empty()) co_return;
  const std::string& what = content.file_system.empty() ? content.partition_table : content.file_system;
  throw Error(ErrorDomain::kStorage, ErrorCode::kStoragePoolBuilt, "device '" + path + "' has something on it already (" + what + ")");
}

std::string StablePath(const std::string& directory, const std::string& device) {
  if (!directory.starts_with("/dev/")) return device;
  for (const std::string& name : ListDirectory(directory)) {
    std::string link = directory + "/" + name;
    std::unique_ptr<char, decltype(&std::free)> real(realpath(link.c_str(), nullptr), &std::free);
    if (real && device == real.get()) return link;
  }
  return device;
}

}  // namespace bv::storage
