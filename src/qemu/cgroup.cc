#include "qemu/cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/command.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "qemu/config.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "util.cgroup";
constexpr const char* kControllers[] = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "net_cls", "perf_event"};

struct Mounts {
  std::map<std::string, std::string> v1;  // controller: mount point
  std::string v2;
};

Mounts FindMounts() {
  Mounts mounts;
  auto text = ReadFileIfExists("/proc/self/mounts");
  if (!text) return mounts;
  for (std::string_view line : SplitAt(*text, '\n')) {
    auto words = Words(line);
    if (words.size() < 4) continue;
    std::string directory(words[1]), options(words[3]);
    std::string_view type = words[2];
    if (type == "cgroup2") {
      mounts.v2 = directory;
    } else if (type == "cgroup") {
      for (auto* controller : kControllers) {
        if (("," + options + ",").find(fmt::format(",{},", controller)) != std::string::npos)
          mounts.v1.emplace(controller, directory);
      }
    }
  }
  return mounts;
}

// "/machine" becomes "machine.partition" components as libvirt names nested partitions; the top
// one keeps its name.
std::string PartitionPath(const std::string& partition) {
  std::string path;
  std::size_t depth = 0;
  for (std::size_t at = 1; at < partition.size();) {
    auto end = std::min(partition.find('/', at), partition.size());
    auto part = partition.substr(at, end - at);
    bool plain = depth++ == 0 && (part == "machine" || part == "user" || part == "system");
    path += '/' + part;
    if (!plain && part.find('.') == std::string::npos) path += ".partition";
    at = end + 1;
  }
  return path;
}

std::string GroupName(const std::string& name, int id) { return fmt::format("qemu-{}-{}.libvirt-qemu", id, name); }

// A fresh v1 cpuset has no CPUs, and nothing can enter it before it has.
void InheritCpuset(const std::string& directory) {
  auto parent = directory.substr(0, directory.rfind('/'));
  for (auto* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    auto mine = ReadFileIfExists(directory + file);
    auto theirs = ReadFileIfExists(parent + file);
    if (mine && theirs && (mine->empty() || *mine == "\n")) WriteToFile(directory + file, *theirs);
  }
  // Memory follows when the nodes are changed.
  if (FileExists(directory + "/cpuset.memory_migrate")) WriteToFile(directory + "/cpuset.memory_migrate", "1");
}

bool MakeGroup(const std::string& controller, const std::string& directory) {
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return false;
  if (controller == "cpuset") InheritCpuset(directory);
  if (controller == "memory" && ReadFileIfExists(directory + "/memory.use_hierarchy") == "0\n") {
    try {
      WriteToFile(directory + "/memory.use_hierarchy", "1");
    } catch (const Error&) {
    }
  }
  return true;
}

bool MakeNested(const std::string& controller, const std::string& root, const std::string& path) {
  for (std::size_t at = 1; at <= path.size();) {
    auto end = std::min(path.find('/', at), path.size());
    if (!MakeGroup(controller, root + path.substr(0, end))) return false;
    at = end + 1;
  }
  return true;
}

bool Wanted(const QemuConfig& config, const std::string& controller) {
  auto& wanted = config.cgroup_controllers;
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), controller) != wanted.end();
}

bool HasOwnThreads(const std::string& controller) {
  return controller == "cpu" || controller == "cpuacct" || controller == "cpuset";
}

void RemoveGroups(const std::string& directory) {
  // Its files are the kernel's and go with it.
  for (const std::string& name : ListDirectory(directory)) {
    struct stat info;
    std::string path = directory + "/" + name;
    if (lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) RemoveGroups(path);
  }
  rmdir(directory.c_str());
}

}  // namespace

Cgroup Cgroup::Create(const QemuConfig& config, const std::string& partition, const std::string& name, int id) {
  Cgroup cgroup;
  if (!config.privileged) return cgroup;
  try {
    auto mounts = FindMounts();
    auto path = PartitionPath(partition.empty() ? "/machine" : partition) + "/" + GroupName(name, id);
    for (auto& [controller, root] : mounts.v1) {
      if (Wanted(config, controller) && MakeNested(controller, root, path))
        cgroup.paths_.emplace(controller, root + path);
    }
    if (cgroup.paths_.empty() && !mounts.v2.empty() && MakeNested("unified", mounts.v2, path)) {
      cgroup.unified_ = true;
      cgroup.paths_.emplace("unified", mounts.v2 + path);
    }
    if (cgroup.unified_) {
      // The no-internal-processes rule: threads live one level down, in a threaded subtree.
      auto directory = cgroup.paths_["unified"];
      mkdir((directory + "/emulator").c_str(), 0755);
    } else {
      for (auto& [controller, directory] : cgroup.paths_) {
        if (HasOwnThreads(controller)) MakeGroup(controller, directory + "/emulator");
      }
    }
  } catch (const Error& error) {
    LogWarn(kSource, "no control group for '{}': {}", name, error.message);
    cgroup.Remove();
    cgroup.paths_.clear();
  }
  return cgroup;
}

Cgroup Cgroup::Attach(const QemuConfig& config, const std::string& partition, const std::string& name, int id) {
  Cgroup cgroup;
  if (!config.privileged) return cgroup;
  auto mounts = FindMounts();
  auto path = PartitionPath(partition.empty() ? "/machine" : partition) + "/" + GroupName(name, id);
  for (auto& [controller, root] : mounts.v1) {
    if (FileExists(root + path)) cgroup.paths_.emplace(controller, root + path);
  }
  if (cgroup.paths_.empty() && !mounts.v2.empty() && FileExists(mounts.v2 + path)) {
    cgroup.unified_ = true;
    cgroup.paths_.emplace("unified", mounts.v2 + path);
  }
  return cgroup;
}

void Cgroup::Contain(Command& command) const {
  if (unified_) {
    command.cgroup = paths_.at("unified") + "/emulator";
    return;
  }
  for (auto& [controller, directory] : paths_)
    command.cgroup_tasks.push_back(directory + (HasOwnThreads(controller) ? "/emulator/tasks" : "/tasks"));
}

void Cgroup::MakeThreadGroup(const std::string& group) const {
  if (unified_) return;
  for (auto& [controller, directory] : paths_) {
    if (!HasOwnThreads(controller)) continue;
    try {
      MakeGroup(controller, directory + "/" + group);
    } catch (const Error& error) {
      LogWarn(kSource, "cannot make {}/{}: {}", directory, group, error.message);
    }
  }
}

void Cgroup::MoveThread(const std::string& group, pid_t tid) const {
  if (unified_) return;
  for (auto& [controller, directory] : paths_) {
    if (!HasOwnThreads(controller)) continue;
    auto target = directory + "/" + group;
    try {
      WriteToFile(target + "/tasks", std::to_string(tid));
    } catch (const Error& error) {
      // Either may have ended with its guest meanwhile.
      if (error.int1 == ESRCH || error.int1 == ENOENT) continue;
      LogWarn(kSource, "cannot move thread {} to {}: {}", tid, target, error.message);
    }
  }
}

void Cgroup::RemoveGroup(const std::string& group) const {
  for (auto& [controller, directory] : paths_) rmdir((directory + "/" + group).c_str());
}

std::optional<std::string> Cgroup::Read(const std::string& controller, const std::string& file,
                                        const std::string& group) const {
  auto found = paths_.find(unified_ ? "unified" : controller);
  if (found == paths_.end()) return std::nullopt;
  auto text = ReadFileIfExists(found->second + (group.empty() ? "" : "/" + group) + "/" + file);
  if (text && !text->empty() && text->back() == '\n') text->pop_back();
  return text;
}

void Cgroup::Write(const std::string& controller, const std::string& file, const std::string& value,
                   const std::string& group) const {
  auto found = paths_.find(unified_ ? "unified" : controller);
  if (found == paths_.end()) return;
  auto path = found->second + (group.empty() ? "" : "/" + group) + "/" + file;
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size())) return;
  throw SystemError(ErrorDomain::kCgroup, fd && errno == EINVAL ? fmt::format("Invalid value '{}' for '{}'", value, file)
                                                                : fmt::format("Unable to write to '{}'", path));
}

std::optional<std::uint64_t> Cgroup::CpuTime() const {
  std::uint64_t value = 0;
  auto parse = [&](std::string_view text) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
  };
  if (unified_) {
    auto stat = Read("unified", "cpu.stat");
    constexpr std::string_view kKey = "usage_usec ";
    auto at = stat ? stat->find(kKey) : std::string::npos;
    if (at == std::string::npos || !parse(std::string_view(*stat).substr(at + kKey.size()))) return std::nullopt;
    return value * 1000;
  }
  auto usage = Read("cpuacct", "cpuacct.usage");
  if (!usage || !parse(*usage)) return std::nullopt;
  return value;
}

void Cgroup::Remove() const {
  for (auto& [controller, directory] : paths_) RemoveGroups(directory);
}

}  // namespace bv::qemu
