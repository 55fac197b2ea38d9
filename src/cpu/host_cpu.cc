#include "cpu/host_cpu.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <charconv>
#include <string>

#include "base/arch.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"
#include "cpu/arm.h"
#include "cpu/cpuid.h"
#include "cpu/x86_features.h"

namespace bv::cpu {
namespace {

using model::CpuDef;

// The first "KEY : VALUE" of /proc/cpuinfo.
std::optional<std::string_view> FindLine(std::string_view cpuinfo, std::string_view key) {
  for (std::size_t at = 0; at < cpuinfo.size();) {
    std::size_t end = std::min(cpuinfo.find('\n', at), cpuinfo.size());
    std::string_view line = cpuinfo.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(key)) continue;
    std::size_t colon = line.find_first_not_of("\t ", key.size());
    if (colon == line.npos || line[colon] != ':') continue;
    std::size_t value = line.find_first_not_of(' ', colon + 1);
    return value == line.npos ? std::string_view() : line.substr(value);
  }
  return std::nullopt;
}

// A leading number, with or without 0x.
std::optional<unsigned> ParseNumber(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  unsigned value;
  if (std::from_chars(text.data(), text.data() + text.size(), value, base).ec != std::errc()) return std::nullopt;
  return value;
}

std::optional<unsigned> FindNumber(std::string_view cpuinfo, std::string_view key) {
  auto line = FindLine(cpuinfo, key);
  return line ? ParseNumber(*line) : std::nullopt;
}

// Only a virtual CPU knows the frequency that KVM gives to guests.
std::optional<model::CpuCounter> ReadTsc() {
#if defined(__x86_64__) || defined(__i386__)
  Fd kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!kvm) return std::nullopt;
  Fd vm(ioctl(kvm.get(), KVM_CREATE_VM, 0));
  if (!vm) return std::nullopt;
  Fd vcpu(ioctl(vm.get(), KVM_CREATE_VCPU, 0));
  if (!vcpu) return std::nullopt;
  int khz = ioctl(vcpu.get(), KVM_GET_TSC_KHZ, 0);
  int scaling = ioctl(vm.get(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL);
  if (khz < 0 || scaling < 0) return std::nullopt;
  model::CpuCounter counter;
  counter.name = "tsc";
  counter.frequency = khz * std::uint64_t{1000};
  counter.scaling = model::ToYesNo(scaling != 0);
  return counter;
#else
  return std::nullopt;
#endif
}

CpuDef NewHost() {
  CpuDef cpu;
  cpu.type = model::CpuType::kHost;
  cpu.arch = HostArch();
  return cpu;
}

// A virtual machine pays a trap to its host for every CPUID: some 30 of them are asked once.
const x86::CpuData& HostData() {
  static const x86::CpuData data = x86::Read(x86::ThisProcessor());
  return data;
}

void FillX86(CpuDef& cpu, const x86::CpuData& data, const HypervisorModels* models) {
  try {
    x86::Decode(cpu, data, {.models = models, .preferred = {}});
  } catch (const Error& error) {
    LogWarn("cpu", "no CPU model describes this machine: {}", error.what());
  }
}

void FillArm(CpuDef& cpu, std::string_view cpuinfo) {
  auto implementer = FindNumber(cpuinfo, "CPU implementer"), part = FindNumber(cpuinfo, "CPU part");
  if (!implementer || !part) return;
  cpu.vendor = arm::VendorName(*implementer);
  cpu.model = arm::ModelName(*implementer, *part);
}

}  // namespace

std::string_view HostArch() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__i386__)
  return "i686";
#elif defined(__aarch64__)
  return "aarch64";
#elif defined(__arm__)
  return "armv7l";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  return "ppc64le";
#elif defined(__powerpc64__)
  return "ppc64";
#elif defined(__s390x__)
  return "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
  return "riscv64";
#else
#error "give this architecture its libvirt name"
#endif
}

CpuDef HostAsGuest(const HypervisorModels* models) {
  CpuDef cpu;
  cpu.type = model::CpuType::kGuest;
  if (IsX86(HostArch())) FillX86(cpu, HostData(), models);
  return cpu;
}

CpuDef DetectHostCpu(const HypervisorModels* models) {
  CpuDef cpu = NewHost();
  std::string cpuinfo = ReadFileIfExists("/proc/cpuinfo").value_or("");
  if (IsArm(cpu.arch)) FillArm(cpu, cpuinfo);
  if (!IsX86(cpu.arch)) return cpu;

  const x86::CpuData& data = HostData();
  FillX86(cpu, data, models);
  cpu.microcode = FindNumber(cpuinfo, "microcode");
  // Without an invariant TSC the frequency says nothing.
  if (data.features.Has(x86::GetFeature("invtsc"))) cpu.tsc = ReadTsc();
  if (auto bits = FindNumber(cpuinfo, "address sizes")) {
    cpu.max_phys_addr.emplace();
    cpu.max_phys_addr->bits = *bits;
  }
  return cpu;
}

}  // namespace bv::cpu
