#pragma once

#include <string>
#include <vector>

#include "model/cpu.h"
#include "qemu/capabilities.h"

// The CPU calls of a connection, from XML to XML. They answer or throw what libvirt's QEMU driver does.
// `flags` are the call's own: virConnectBaselineCPUFlags, virConnectCompareCPUFlags.
namespace bv::qemu {

std::string BaselineCpu(const std::vector<std::string>& cpus, unsigned flags);
// `virt_type` as the caller gave it or the default: "kvm", "qemu".
std::string BaselineHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, const std::vector<std::string>& cpus,
                                  unsigned flags);

// `host` is this machine's CPU (cpu/host_cpu.h).
int CompareCpu(const model::CpuDef& host, const std::string& xml, unsigned flags);
int CompareHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, const std::string& xml, unsigned flags);

// kInvalidArg for flags that the call does not have; `function` is the name that libvirt's message has.
std::vector<std::string> CpuModelNames(const std::string& arch, unsigned flags);

}  // namespace bv::qemu
