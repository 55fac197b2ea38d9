#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bv {
struct Command;
struct QemuConfig;
}

namespace bv::qemu {

// A guest's place in the control groups, version 1 or 2: PARTITION/qemu-ID-NAME.libvirt-qemu below
// each mounted controller, with groups emulator, vcpuN and iothreadN inside. Where there are no
// controllers every call is a no-op and available() is false. Reading and writing values does not
// block; what makes and removes groups or moves threads may wait long, and is for the pool.
class Cgroup {
 public:
  // Makes the groups of a guest that is about to start. Never throws: a host without cgroups, or
  // one where we may not make any, runs guests without.
  static Cgroup Create(const QemuConfig& config, const std::string& partition, const std::string& name, int id);
  // The groups that `pid` is in already, for a guest that an earlier daemon started.
  static Cgroup Attach(const QemuConfig& config, const std::string& partition, const std::string& name, int id);

  bool available() const { return !paths_.empty(); }
  bool Has(const std::string& controller) const { return paths_.contains(controller); }
  bool unified() const { return unified_; }

  // Has the new process start in these groups.
  void Contain(Command& command) const;
  // Makes a group for threads ("vcpu0", "iothread1") if it is not there, and moves one there.
  void MakeThreadGroup(const std::string& group) const;
  void MoveThread(const std::string& group, pid_t tid) const;
  void RemoveGroup(const std::string& group) const;

  // One value of a controller's file, in the guest's group or one of its sub-groups.
  std::optional<std::string> Read(const std::string& controller, const std::string& file,
                                  const std::string& group = {}) const;
  // Throws kSystemError when it cannot be written.
  void Write(const std::string& controller, const std::string& file, const std::string& value,
             const std::string& group = {}) const;

  // Nanoseconds of CPU time used, if cpuacct (or v2's cpu.stat) is there.
  std::optional<std::uint64_t> CpuTime() const;

  // Removes the groups; the processes must be gone.
  void Remove() const;

 private:
  std::map<std::string, std::string> paths_;  // controller: directory of the guest's group
  bool unified_ = false;
};

}  // namespace bv::qemu
