#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/value.h"

// <launchSecurity>, <keywrap>
namespace bv::model {

enum class LaunchSecurityType : std::uint8_t { kNone, kSev, kS390Pv };
template <>
struct Spelling<LaunchSecurityType> {
  static constexpr const char* kNames[] = {"", "sev", "s390-pv"};
};
struct LaunchSecurity {
  LaunchSecurityType type = LaunchSecurityType::kNone;
  YesNo kernel_hashes = YesNo::kAbsent;
  std::optional<unsigned> cbitpos, reduced_phys_bits;
  unsigned policy = 0;
  std::string dh_cert, session;
};

struct Keywrap {
  OnOff aes = OnOff::kAbsent, dea = OnOff::kAbsent;
};

}  // namespace bv::model
