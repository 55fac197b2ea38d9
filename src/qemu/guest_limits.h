#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace bv {
struct QemuConfig;
}
namespace bv::model {
struct BlkioDevice;
struct BlkioTune;
struct CpuTune;
struct DomainDef;
struct MemTune;
}

namespace bv::qemu {

class Cgroup;

// What a guest as a whole may take of the host: <cputune> shares and global bandwidth, <memtune>, <blkiotune>.

// Writes it into the guest's group, before there is a process. Throws kSystemError for what the kernel refuses,
// kOperationInvalid for what it has no file for.
void LimitGroup(const Cgroup& cgroup, const model::BlkioTune& blkio, const model::MemTune& memory,
                const model::CpuTune& cpu);
// One device's weight and throttles; with `lift`, throttles of 0 end those there are. Throws kSystemError and kInvalidArg when it is not a block device.
void LimitBlockDevice(const Cgroup& cgroup, const model::BlkioDevice& device, bool lift = false);
// The file that a group's I/O weight is in: its name depends on the scheduler that the kernel was built with.
const char* BlkioWeightFile(const Cgroup& cgroup);

// RLIMIT_MEMLOCK in bytes; none: as it is.
std::optional<std::uint64_t> LockedMemoryLimit(const model::DomainDef& def);
// Has a guest that runs keep to it. Throws kSystemError (domain kNone).
void LimitLockedMemory(const model::DomainDef& def, pid_t pid);

}  // namespace bv::qemu
