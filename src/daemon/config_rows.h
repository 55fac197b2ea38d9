#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/config.h"

namespace bv {

// A set of ServerKind.
using ServerKinds = std::uint8_t;

struct ConfigTarget {
  template <typename T>
  using Member = T DaemonConfig::*;
  template <typename T>
  using LimitMember = T ServerLimits::*;

  // Where a value goes; monostate for keys that are read and do nothing any more.
  std::variant<std::monostate, Member<bool>, Member<std::uint32_t>, Member<std::uint64_t>, Member<std::string>,
               Member<std::optional<std::string>>, Member<std::optional<std::vector<std::string>>>,
               LimitMember<std::uint32_t>, LimitMember<int>>
      member;
  bool admin = false;  // for members of ServerLimits
};

enum class ConfigRule : std::uint8_t { kAny, kNotZero, kAuth, kSsf, kCompress };

// One key of a configuration file, said once: parsing, ranges, the installed template and
// --help-config follow from it.
struct ConfigRow {
  std::string_view key;
  ServerKinds kinds;              // whose files have it
  ConfigTarget target;
  std::string_view default_text;  // as written in the file without quotes; empty for unset
  std::string_view example;       // what the template shows when there is no default
  std::string_view help;
  ConfigRule rule = ConfigRule::kAny;
  bool not_when_activated = false;  // the sockets come from systemd, so the key says nothing
};

std::span<const ConfigRow> ConfigRows();
inline bool HasKey(const Personality& personality, const ConfigRow& row) {
  return row.kinds & static_cast<ServerKinds>(personality.kind);
}

// The file as it is installed: every key commented out, with its help and default.
std::string ConfigTemplate(const Personality& personality);

}  // namespace bv
