#pragma once

#include <string>
#include <vector>

#include "model/cpu.h"
#include "qemu/monitor.h"

// The CPU that a started guest really has. libvirt asks QEMU for every property of the CPU, some 400
// commands one after another; the CPUID words say the same in one answer.
namespace bv::qemu {

// What to ask, as one batch; `cpu_path` is the QOM path of a virtual CPU. x86 guests only.
std::vector<MonitorCommand> LiveCpuQueries(const std::string& cpu_path = "/machine/unattached/device[0]");

// Puts what QEMU enabled and disabled on its own into `cpu` and marks it check='full'. `replies` are those
// to LiveCpuQueries(). With check='full' already there, a difference throws kOperationFailed of kCpu.
// Without effect when there is no CPU but a topology, and when QEMU does not say.
void UpdateFromLiveCpu(model::CpuDef& cpu, const std::vector<MonitorReply>& replies);

}  // namespace bv::qemu
