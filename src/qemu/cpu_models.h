#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cpu/hypervisor.h"
#include "model/cpu.h"
#include "qemu/capabilities.h"

// What an emulator's capabilities mean for CPU definitions: names as libvirt spells them, and the CPU
// that host-model stands for.
namespace bv::qemu {

// Views into `caps`.
cpu::HypervisorModels CpuModelsOf(const QemuCaps& caps, Accelerator accelerator);

// The CPU features that QEMU has names for, whether this host can give them or not; with
// `only_migratable` without those that keep a guest here. Empty when QEMU does not say.
std::vector<std::string> CpuFeaturesOf(const QemuCaps& caps, Accelerator accelerator, bool only_migratable);

// The CPU of this host as guests of the emulator can have it. All are guest CPUs (mode='custom').
struct HostModels {
  model::CpuDef reported;    // all that QEMU can give
  model::CpuDef migratable;  // what host-model is replaced by
  model::CpuDef full;        // with what the processor has beyond that: what a guest may require
};
// Nothing when guests of the emulator's architecture are foreign here or no model fits.
std::optional<HostModels> HostModelsOf(const QemuCaps& caps, Accelerator accelerator);

// Can guests of the emulator run natively here: the host's architecture, or its 32-bit or other-endian kin?
bool IsNative(std::string_view host_arch, std::string_view guest_arch);

bool SupportsCpuMode(const QemuCaps& caps, Accelerator accelerator, model::CpuMode mode);

// What VIR_DOMAIN_XML_UPDATE_CPU shows: host-model, match='minimum' and optional features as the host makes
// them now. No change when there is no CPU but a topology, and for host-passthrough and maximum.
void UpdateGuestCpu(model::CpuDef& cpu, const QemuCaps& caps, Accelerator accelerator, std::string_view guest_arch);

// Resolves a guest's CPU for a start: host-model, match='minimum', optional features and models that this
// QEMU lacks are replaced by what is there; checks that the host can run it where cpu.check asks for that.
// No change where UpdateGuestCpu() makes none, but the same checks.
void ResolveGuestCpu(model::CpuDef& cpu, const QemuCaps& caps, Accelerator accelerator, std::string_view guest_arch);

// The head of -cpu: "EPYC,vendor=AuthenticAMD,monitor=off". `cpu` is resolved.
std::string CpuModelArgument(const model::CpuDef& cpu, const QemuCaps& caps);
// Its tail: ",l3-cache=on,phys-bits=42", or "".
std::string CpuCacheArgument(const model::CpuDef& cpu);

}  // namespace bv::qemu
