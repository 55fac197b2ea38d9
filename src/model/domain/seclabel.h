#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/value.h"

namespace bv::model {

enum class SeclabelType : std::uint8_t { kDefault, kNone, kDynamic, kStatic };
template <>
struct Spelling<SeclabelType> {
  static constexpr const char* kNames[] = {"", "none", "dynamic", "static"};
};

// <seclabel> of a domain; one for each security model.
struct Seclabel {
  SeclabelType type = SeclabelType::kDynamic;
  std::string model;  // "selinux", "apparmor", "dac", "none"; may be empty until defaults fill it
  YesNo relabel = YesNo::kAbsent;
  std::string label, imagelabel, baselabel;
  bool implicit = false;  // made by the daemon, not written out
};

// <seclabel> of one source: an override of the domain's.
struct DeviceSeclabel {
  std::string model;
  YesNo relabel = YesNo::kAbsent;
  YesNo labelskip = YesNo::kAbsent;  // live only
  std::string label;
};

}  // namespace bv::model
