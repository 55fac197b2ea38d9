#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cpu/x86_decode.h"

// Reading an x86 processor's CPUID and feature MSRs.
namespace bv::cpu::x86 {

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// Where the values come from: the processor, or a test's table.
struct Processor {
  std::function<Registers(std::uint32_t function, std::uint32_t subleaf)> cpuid;
  // Nullopt when the MSR does not exist or may not be read.
  std::function<std::optional<std::uint64_t>(std::uint32_t number)> msr;
};

// The one this runs on; a Processor without functions on other architectures. Reading an MSR opens
// /dev/cpu/0/msr or /dev/kvm.
Processor ThisProcessor();

// Every feature of the map, the vendor and the signature. Functions that the processor does not
// have are not asked: it would answer with another one's values.
CpuData Read(const Processor& processor);

}  // namespace bv::cpu::x86
