#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/cpu.h"
#include "qemu/capabilities.h"

// What the CPU calls of a connection answer, from XML to XML; they throw what libvirt's QEMU driver does.
// `flags` are the call's own (virConnectBaselineCPUFlags, virConnectCompareCPUFlags), checked by whoever
// serves the call.
namespace bv::qemu {

inline constexpr unsigned kBaselineExpandFeatures = 1 << 0;
inline constexpr unsigned kBaselineMigratable = 1 << 1;
inline constexpr unsigned kCompareFailIncompatible = 1 << 0;
inline constexpr unsigned kCompareValidateXml = 1 << 1;

// At least one.
std::vector<model::CpuDef> ParseCpus(std::span<const std::string> xmls, model::CpuType type);

// `cpus` are hosts'.
std::string BaselineCpu(std::span<const model::CpuDef> cpus, unsigned flags);
std::string BaselineHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, std::span<const model::CpuDef> cpus,
                                  unsigned flags);

// virCPUCompareResult. `host` is this machine's CPU (cpu/host_cpu.h).
int CompareCpu(const model::CpuDef& host, const std::string& xml, unsigned flags);
int CompareHypervisorCpu(const QemuCaps& caps, Accelerator accelerator, const std::string& xml, unsigned flags);

std::vector<std::string> CpuModelNames(const std::string& arch);

}  // namespace bv::qemu
