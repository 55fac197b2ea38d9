#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/value.h"

// <features>
namespace bv::model {

enum class HypervFeature : std::uint8_t {
  kRelaxed, kVapic, kSpinlocks, kVpindex, kRuntime, kSynic, kStimer, kReset, kVendorId, kFrequencies, kReenlightenment,
  kTlbflush, kIpi, kEvmcs, kAvic,
};
template <>
struct Spelling<HypervFeature> {
  static constexpr const char* kNames[] = {"relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset",
                                           "vendor_id", "frequencies", "reenlightenment", "tlbflush", "ipi", "evmcs", "avic"};
};
inline constexpr std::size_t kHypervFeatures = std::size(Spelling<HypervFeature>::kNames);

enum class HypervMode : std::uint8_t { kNone, kCustom, kPassthrough };
template <>
struct Spelling<HypervMode> {
  static constexpr const char* kNames[] = {"", "custom", "passthrough"};
};
struct Hyperv {
  HypervMode mode = HypervMode::kNone;  // kNone: no <hyperv>
  std::array<OnOff, kHypervFeatures> features{};
  unsigned spinlocks = 0;         // retries
  OnOff stimer_direct = OnOff::kAbsent;
  std::string vendor_id;
  OnOff operator[](HypervFeature f) const { return features[static_cast<std::size_t>(f)]; }
};

enum class KvmFeature : std::uint8_t { kHidden, kHintDedicated, kPollControl, kPvIpi, kDirtyRing };
template <>
struct Spelling<KvmFeature> {
  static constexpr const char* kNames[] = {"hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"};
};
struct Kvm {
  bool given = false;
  std::array<OnOff, 5> features{};
  unsigned dirty_ring_size = 0;
  OnOff operator[](KvmFeature f) const { return features[static_cast<std::size_t>(f)]; }
};

enum class XenPassthroughMode : std::uint8_t { kDefault, kSyncPt, kSharePt };
template <>
struct Spelling<XenPassthroughMode> {
  static constexpr const char* kNames[] = {"", "sync_pt", "share_pt"};
};
struct XenFeatures {
  bool given = false;
  OnOff e820_host = OnOff::kAbsent, passthrough = OnOff::kAbsent;
  XenPassthroughMode passthrough_mode = XenPassthroughMode::kDefault;
};

enum class CapabilitiesPolicy : std::uint8_t { kDefault, kAllow, kDeny };
template <>
struct Spelling<CapabilitiesPolicy> {
  static constexpr const char* kNames[] = {"default", "allow", "deny"};
};
// <capabilities> of containers: names as in XML ("sys_admin").
struct ProcessCapabilities {
  bool given = false;
  CapabilitiesPolicy policy = CapabilitiesPolicy::kDefault;
  std::vector<std::pair<std::string, OnOff>> states;
};

enum class GicVersion : std::uint8_t { kNone, kV2, kV3, kHost };
template <>
struct Spelling<GicVersion> {
  static constexpr const char* kNames[] = {"", "2", "3", "host"};
};
enum class IoapicDriver : std::uint8_t { kNone, kQemu, kKvm };
template <>
struct Spelling<IoapicDriver> {
  static constexpr const char* kNames[] = {"", "qemu", "kvm"};
};
enum class HptResizing : std::uint8_t { kNone, kEnabled, kDisabled, kRequired };
template <>
struct Spelling<HptResizing> {
  static constexpr const char* kNames[] = {"", "enabled", "disabled", "required"};
};
enum class MsrsUnknown : std::uint8_t { kNone, kIgnore, kFault };
template <>
struct Spelling<MsrsUnknown> {
  static constexpr const char* kNames[] = {"", "ignore", "fault"};
};
enum class CfpcValue : std::uint8_t { kNone, kBroken, kWorkaround, kFixed };
template <>
struct Spelling<CfpcValue> {
  static constexpr const char* kNames[] = {"", "broken", "workaround", "fixed"};
};
enum class IbsValue : std::uint8_t { kNone, kBroken, kWorkaround, kFixedIbs, kFixedCcd, kFixedNa };
template <>
struct Spelling<IbsValue> {
  static constexpr const char* kNames[] = {"", "broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"};
};

struct Features {
  bool acpi = false, apic = false, pae = false, viridian = false, privnet = false;
  OnOff apic_eoi = OnOff::kAbsent;
  OnOff hap = OnOff::kAbsent, pvspinlock = OnOff::kAbsent, pmu = OnOff::kAbsent, vmport = OnOff::kAbsent;
  OnOff smm = OnOff::kAbsent, vmcoreinfo = OnOff::kAbsent, htm = OnOff::kAbsent, nested_hv = OnOff::kAbsent;
  OnOff ccf_assist = OnOff::kAbsent;
  std::optional<std::uint64_t> tseg_bytes;
  Hyperv hyperv;
  Kvm kvm;
  XenFeatures xen;
  ProcessCapabilities capabilities;
  bool gic_given = false;
  GicVersion gic = GicVersion::kNone;
  IoapicDriver ioapic = IoapicDriver::kNone;
  HptResizing hpt_resizing = HptResizing::kNone;
  KiB hpt_max_page_size = 0;
  bool hpt_given = false;
  MsrsUnknown msrs_unknown = MsrsUnknown::kNone;
  CfpcValue cfpc = CfpcValue::kNone, sbbc = CfpcValue::kNone;
  IbsValue ibs = IbsValue::kNone;
  bool tcg_given = false;
  KiB tcg_tb_cache = 0;
};

}  // namespace bv::model
