#pragma once

#include <bitset>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qemu/capabilities_flags.h"

namespace bv::qemu {

enum class Accelerator { kKvm, kTcg };

// All views below are into the QemuCaps they come from.

struct MachineType {
  std::string_view name;
  std::string_view alias;           // "pc", "q35", or empty
  std::string_view default_cpu;     // QOM type, as "qemu64-x86_64-cpu"; empty: none
  std::string_view default_ram_id;  // as "pc.ram"; empty: none
  unsigned max_cpus = 0;
  bool hotpluggable_cpus = false;
  bool deprecated = false;
  bool is_default = false;
  bool numa_mem_supported = false;  // -numa node,mem= is accepted
};

struct QemuCpuModel {
  enum class Usable { kUnknown, kYes, kNo };
  std::string_view name;  // as QEMU calls it: versions ("EPYC-v3") among them
  std::string_view type;  // QOM type
  Usable usable = Usable::kUnknown;
  bool deprecated = false;
  std::vector<std::string_view> blockers;  // features that the host lacks
};

// A property of the CPU that "host" (KVM) or "max" (TCG) stand for on this machine.
struct CpuProperty {
  enum class Kind { kBool, kNumber, kString };
  std::string_view name;
  Kind kind = Kind::kBool;
  std::string_view value;   // bool: "true" or "false"
  bool migratable = true;   // false: only with migratable=off

  bool is_true() const { return kind == Kind::kBool && value == "true"; }
};

// AMD's and Intel's facts for the host's capabilities; see query-sev-capabilities.
struct SevCapability {
  std::string_view pdh, cert_chain, cpu0_id;
  unsigned cbitpos = 0, reduced_phys_bits = 0;
};

// What one QEMU binary answered when it was asked what it can do. Immutable, shared, small: one text
// (the cache file's; see capabilities_text.h) and views into it.
class QemuCaps {
 public:
  // Throws kInternalError on a text that WriteCapsText did not make.
  static std::shared_ptr<const QemuCaps> Parse(std::string text);

  QemuCaps(const QemuCaps&) = delete;
  QemuCaps& operator=(const QemuCaps&) = delete;

  std::string_view binary() const { return Value("emulator"); }
  unsigned version() const { return version_; }  // 7.2.22 is 7002022
  std::string_view package() const { return Value("package"); }
  std::string_view arch() const { return Value("arch"); }  // libvirt's name: "x86_64", "i686"

  bool Has(QemuCap cap) const { return flags_.test(static_cast<std::size_t>(cap)); }
  // The flags' names in libvirt's order, as status files list them.
  std::vector<std::string_view> FlagNames() const;

  // A QOM type, abstract or not: device, object, chardev, accelerator. CPU and machine types are
  // left out; see below.
  bool HasType(std::string_view type) const;
  bool HasDevice(std::string_view type) const { return HasType(type); }
  bool HasObject(std::string_view type) const { return HasType(type); }
  // Only for types in the list of capabilities_probe.cc; asking for another is logged as an error.
  bool HasProperty(std::string_view type, std::string_view property) const;
  bool HasCommand(std::string_view command) const;

  // Whether guests can run with it here.
  bool HasAccelerator(Accelerator accelerator) const;
  // Whether CPU models and the host CPU below were asked for with it; see CapsCache::Get.
  bool HasCpuData(Accelerator accelerator) const { return CpuDataOf(accelerator).known; }

  // In QEMU's order, the default first; "none" is left out.
  std::span<const MachineType> machines() const { return machines_; }
  // By name or alias; null when there is none.
  const MachineType* FindMachine(std::string_view name) const;
  // The name behind an alias; a name that is none comes back as it is.
  std::string_view CanonicalMachine(std::string_view name) const;
  const MachineType* DefaultMachine() const;

  std::span<const QemuCpuModel> cpu_models(Accelerator accelerator) const { return CpuDataOf(accelerator).models; }
  const QemuCpuModel* FindCpuModel(Accelerator accelerator, std::string_view name) const;
  std::span<const CpuProperty> host_cpu(Accelerator accelerator) const { return CpuDataOf(accelerator).host; }

  // Hyper-V enlightenments by libvirt's names ("spinlocks", "vendor_id"); with KVM only.
  std::span<const std::string_view> hyperv_features() const { return hyperv_; }
  const SevCapability* sev() const { return has_sev_ ? &sev_ : nullptr; }

  // Any single-valued line of the text, such as those the cache checks; empty when there is none.
  std::string_view Value(std::string_view key) const;
  const std::string& text() const { return text_; }

 private:
  struct CpuData {
    bool known = false;
    std::vector<QemuCpuModel> models;
    std::vector<CpuProperty> host;
  };

  explicit QemuCaps(std::string text);
  void ParseLine(std::vector<std::string_view>& fields);
  void ParseMachine(const std::vector<std::string_view>& fields);
  void ParseCpu(const std::vector<std::string_view>& fields);
  CpuData& CpuDataNamed(std::string_view accelerator);
  const CpuData& CpuDataOf(Accelerator accelerator) const { return cpus_[accelerator == Accelerator::kTcg]; }

  std::string text_;
  unsigned version_ = 0;
  std::bitset<512> flags_;
  std::vector<std::pair<std::string_view, std::string_view>> values_;
  std::vector<std::string_view> types_;       // sorted
  std::string_view commands_;                 // blank separated
  std::vector<std::pair<std::string_view, std::string_view>> properties_;  // type, blank separated names
  std::vector<MachineType> machines_;
  CpuData cpus_[2];
  std::vector<std::string_view> hyperv_;
  bool has_sev_ = false;
  SevCapability sev_;
};

}  // namespace bv::qemu
