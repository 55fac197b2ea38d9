#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/value.h"

// <cpu> of every XML language that has one: the guest's in a domain, the host's in capabilities, the
// usable one in domain capabilities, and the argument of baseline and compare calls.
namespace bv::model {

enum class CpuType : std::uint8_t { kAuto, kHost, kGuest };  // kAuto: guest when there is a mode or match

enum class CpuMode : std::uint8_t { kCustom, kHostModel, kHostPassthrough, kMaximum };
template <>
struct Spelling<CpuMode> {
  static constexpr const char* kNames[] = {"custom", "host-model", "host-passthrough", "maximum"};
};

enum class CpuMatch : std::uint8_t { kMinimum, kExact, kStrict };
template <>
struct Spelling<CpuMatch> {
  static constexpr const char* kNames[] = {"minimum", "exact", "strict"};
};

enum class CpuCheck : std::uint8_t { kDefault, kNone, kPartial, kFull };
template <>
struct Spelling<CpuCheck> {
  static constexpr const char* kNames[] = {"", "none", "partial", "full"};
};

enum class CpuFallback : std::uint8_t { kAllow, kForbid };
template <>
struct Spelling<CpuFallback> {
  static constexpr const char* kNames[] = {"allow", "forbid"};
};

// kAbsent: a host CPU's features have no policy.
enum class CpuPolicy : std::uint8_t { kAbsent, kForce, kRequire, kOptional, kDisable, kForbid };
template <>
struct Spelling<CpuPolicy> {
  static constexpr const char* kNames[] = {"", "force", "require", "optional", "disable", "forbid"};
};

struct CpuFeature {
  std::string name;
  CpuPolicy policy = CpuPolicy::kAbsent;
  bool operator==(const CpuFeature&) const = default;
};

enum class CpuCacheMode : std::uint8_t { kEmulate, kPassthrough, kDisable };
template <>
struct Spelling<CpuCacheMode> {
  static constexpr const char* kNames[] = {"emulate", "passthrough", "disable"};
};
struct CpuCache {
  std::optional<unsigned> level;
  CpuCacheMode mode = CpuCacheMode::kEmulate;
};

enum class MaxPhysAddrMode : std::uint8_t { kEmulate, kPassthrough };
template <>
struct Spelling<MaxPhysAddrMode> {
  static constexpr const char* kNames[] = {"emulate", "passthrough"};
};
struct MaxPhysAddr {
  MaxPhysAddrMode mode = MaxPhysAddrMode::kEmulate;
  std::optional<unsigned> bits;
};

struct CpuTopology {
  unsigned sockets = 0, dies = 1, cores = 0, threads = 0;
};

struct CpuSignature {
  unsigned family = 0, model = 0, stepping = 0;
};

// The TSC of a host CPU.
struct CpuCounter {
  std::string name;
  std::uint64_t frequency = 0;  // Hz
  YesNo scaling = YesNo::kAbsent;
};

struct CpuPages {
  std::uint64_t size_kib = 0;
};

struct CpuDef {
  CpuType type = CpuType::kAuto;
  CpuMode mode = CpuMode::kCustom;
  CpuMatch match = CpuMatch::kExact;
  CpuCheck check = CpuCheck::kDefault;
  OnOff migratable = OnOff::kAbsent;
  std::string arch;  // host CPUs: "x86_64"
  std::string model;
  CpuFallback fallback = CpuFallback::kAllow;
  std::string vendor_id;  // 12 characters that the guest sees
  std::string vendor;     // "Intel", "AMD"
  std::optional<unsigned> microcode;
  std::optional<CpuSignature> signature;
  std::optional<CpuCounter> tsc;
  std::optional<MaxPhysAddr> max_phys_addr;
  std::optional<CpuTopology> topology;
  std::optional<CpuCache> cache;
  std::vector<CpuFeature> features;
  std::vector<CpuPages> pages;

  bool IsHost() const { return type == CpuType::kHost; }
};

}  // namespace bv::model
