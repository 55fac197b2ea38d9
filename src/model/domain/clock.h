#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/value.h"

// <clock>
namespace bv::model {

enum class ClockOffset : std::uint8_t { kUtc, kLocaltime, kVariable, kTimezone, kAbsolute };
template <>
struct Spelling<ClockOffset> {
  static constexpr const char* kNames[] = {"utc", "localtime", "variable", "timezone", "absolute"};
};
enum class ClockBasis : std::uint8_t { kUtc, kLocaltime };
template <>
struct Spelling<ClockBasis> {
  static constexpr const char* kNames[] = {"utc", "localtime"};
};

enum class TimerName : std::uint8_t { kPlatform, kPit, kRtc, kHpet, kTsc, kKvmclock, kHypervclock, kArmvtimer };
template <>
struct Spelling<TimerName> {
  static constexpr const char* kNames[] = {"platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer"};
};
enum class TickPolicy : std::uint8_t { kNone, kDelay, kCatchup, kMerge, kDiscard };
template <>
struct Spelling<TickPolicy> {
  static constexpr const char* kNames[] = {"", "delay", "catchup", "merge", "discard"};
};
enum class TimerTrack : std::uint8_t { kNone, kBoot, kGuest, kWall, kRealtime };
template <>
struct Spelling<TimerTrack> {
  static constexpr const char* kNames[] = {"", "boot", "guest", "wall", "realtime"};
};
enum class TscMode : std::uint8_t { kNone, kAuto, kNative, kEmulate, kParavirt, kSmpsafe };
template <>
struct Spelling<TscMode> {
  static constexpr const char* kNames[] = {"", "auto", "native", "emulate", "paravirt", "smpsafe"};
};

struct Timer {
  TimerName name = TimerName::kPlatform;
  YesNo present = YesNo::kAbsent;
  TickPolicy tick_policy = TickPolicy::kNone;
  TimerTrack track = TimerTrack::kNone;
  std::uint64_t frequency = 0;  // Hz
  TscMode mode = TscMode::kNone;
  struct {
    std::uint64_t threshold = 0, slew = 0, limit = 0;
  } catchup;
};

struct GuestClock {
  ClockOffset offset = ClockOffset::kUtc;
  bool adjustment_reset = false;          // utc, localtime: adjustment='reset'
  std::optional<std::int64_t> adjustment;  // seconds: utc, localtime, variable
  ClockBasis basis = ClockBasis::kUtc;
  std::optional<std::int64_t> adjustment0;  // status XML: the adjustment at start
  std::string timezone;
  std::uint64_t start = 0;  // absolute: seconds since the epoch
  std::vector<Timer> timers;
};

}  // namespace bv::model
