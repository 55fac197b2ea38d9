#include "cpu/cpuid.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define BV_HAVE_CPUID 1
#endif

#include "base/fd.h"

namespace bv::cpu::x86 {
namespace {

constexpr std::uint32_t kArchCapabilities = 0x10a;

#ifdef BV_HAVE_CPUID
Registers Cpuid(std::uint32_t function, std::uint32_t subleaf) {
  Registers r;
  __cpuid_count(function, subleaf, r.eax, r.ebx, r.ecx, r.edx);
  return r;
}

std::optional<std::uint64_t> MsrOfDevice(std::uint32_t number) {
  Fd fd(open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC));
  std::uint64_t value;
  if (!fd || pread(fd.get(), &value, sizeof value, number) != sizeof value) return std::nullopt;
  return value;
}

// KVM tells the feature MSRs to anybody who may use it.
std::optional<std::uint64_t> MsrOfKvm(std::uint32_t number) {
  Fd fd(open("/dev/kvm", O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  union {
    kvm_msrs list;
    char bytes[sizeof(kvm_msrs) + sizeof(kvm_msr_entry)];
  } request;
  std::memset(&request, 0, sizeof request);
  request.list.nmsrs = 1;
  request.list.entries[0].index = number;
  if (ioctl(fd.get(), KVM_GET_MSRS, &request) != 1) return std::nullopt;
  return request.list.entries[0].data;
}
#endif

std::uint32_t ValueOf(const Registers& registers, Register which) {
  switch (which) {
    case Register::kEax: return registers.eax;
    case Register::kEbx: return registers.ebx;
    case Register::kEcx: return registers.ecx;
    case Register::kEdx: return registers.edx;
  }
  return 0;
}

class Reader {
 public:
  explicit Reader(const Processor& processor) : processor_(processor) {
    basic_max_ = processor_.cpuid(0, 0).eax;
    extended_max_ = processor_.cpuid(0x80000000, 0).eax;
  }

  CpuData Read() {
    CpuData data;
    ReadVendor(&data);
    ReadSignature(&data);
    auto features = Features();
    // Those in MSRs come after those that say which MSRs there are.
    for (std::size_t i = 0; i < features.size(); i++)
      if (Value(features[i], data) >> features[i].bit & 1) data.features.Add(i);
    return data;
  }

 private:
  void ReadVendor(CpuData* data) const {
    Registers leaf = processor_.cpuid(0, 0);
    char text[12];
    std::memcpy(text, &leaf.ebx, 4);
    std::memcpy(text + 4, &leaf.edx, 4);
    std::memcpy(text + 8, &leaf.ecx, 4);
    if (auto vendor = FindVendorString({text, sizeof text})) data->vendor = *vendor;
  }

  void ReadSignature(CpuData* data) const {
    std::uint32_t eax = processor_.cpuid(1, 0).eax;
    data->family = (eax >> 20 & 0xff) + (eax >> 8 & 0xf);
    data->model = (eax >> 12 & 0xf0) + (eax >> 4 & 0xf);
    data->stepping = eax & 0xf;
  }

  std::uint32_t Value(const Feature& feature, const CpuData& data) {
    if (feature.msr) return MsrValue(feature, data);
    if (!Exists(feature.function, feature.subleaf)) return 0;
    if (feature.function != function_ || feature.subleaf != subleaf_) {
      function_ = feature.function;
      subleaf_ = feature.subleaf;
      registers_ = processor_.cpuid(function_, subleaf_);
    }
    return ValueOf(registers_, feature.reg);
  }

  std::uint32_t MsrValue(const Feature& feature, const CpuData& data) {
    if (feature.function != kArchCapabilities || !data.features.Has(*FindFeature("arch-capabilities"))) return 0;
    if (!arch_capabilities_) arch_capabilities_ = processor_.msr(feature.function).value_or(0);
    std::uint64_t value = *arch_capabilities_;
    return static_cast<std::uint32_t>(feature.reg == Register::kEdx ? value >> 32 : value);
  }

  bool Exists(std::uint32_t function, std::uint32_t subleaf) const {
    if (function >= 0x80000000) return function <= extended_max_;
    if (function > basic_max_) return false;
    if (function == 0x12) return processor_.cpuid(7, 0).ebx >> 2 & 1;  // SGX
    if (subleaf == 0) return true;
    if (function == 7) return subleaf <= processor_.cpuid(7, 0).eax;
    if (function == 0xf) return processor_.cpuid(0xf, 0).edx >> subleaf & 1;  // L3 monitoring
    return true;
  }

  const Processor& processor_;
  std::uint32_t basic_max_, extended_max_;
  // The last registers read: the map's features stand together by register.
  std::uint32_t function_ = ~0u, subleaf_ = 0;
  Registers registers_;
  std::optional<std::uint64_t> arch_capabilities_;
};

}  // namespace

Processor ThisProcessor() {
#ifdef BV_HAVE_CPUID
  return {Cpuid, [](std::uint32_t number) {
            auto value = MsrOfDevice(number);
            return value ? value : MsrOfKvm(number);
          }};
#else
  return {};
#endif
}

CpuData Read(const Processor& processor) { return processor.cpuid ? Reader(processor).Read() : CpuData(); }

}  // namespace bv::cpu::x86
