#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "model/value.h"

// The guest's NUMA cells (<cpu><numa>) and where their memory comes from (<numatune>).
namespace bv::model {

enum class MemoryAccess : std::uint8_t { kDefault, kShared, kPrivate };
template <>
struct Spelling<MemoryAccess> {
  static constexpr const char* kNames[] = {"", "shared", "private"};
};

enum class NumaCacheAssociativity : std::uint8_t { kNone, kDirect, kFull };
template <>
struct Spelling<NumaCacheAssociativity> {
  static constexpr const char* kNames[] = {"none", "direct", "full"};
};
enum class NumaCachePolicy : std::uint8_t { kNone, kWriteback, kWritethrough };
template <>
struct Spelling<NumaCachePolicy> {
  static constexpr const char* kNames[] = {"none", "writeback", "writethrough"};
};

struct NumaCache {
  unsigned level = 0;
  NumaCacheAssociativity associativity = NumaCacheAssociativity::kNone;
  NumaCachePolicy policy = NumaCachePolicy::kNone;
  std::uint64_t size_kib = 0;
  std::uint64_t line_bytes = 0;
};

struct NumaDistance {
  unsigned id = 0, value = 0;
};

struct NumaCell {
  unsigned id = 0;
  std::optional<Bitmap> cpus;
  KiB memory = 0;
  MemoryAccess mem_access = MemoryAccess::kDefault;
  YesNo discard = YesNo::kAbsent;
  std::vector<NumaDistance> distances;  // by cell, as many as cells or none
  std::vector<NumaCache> caches;
};

enum class InterconnectKind : std::uint8_t { kLatency, kBandwidth };
enum class InterconnectAccess : std::uint8_t { kNone, kAccess, kRead, kWrite };
template <>
struct Spelling<InterconnectAccess> {
  static constexpr const char* kNames[] = {"", "access", "read", "write"};
};
struct NumaInterconnect {
  InterconnectKind kind = InterconnectKind::kLatency;
  unsigned initiator = 0, target = 0, cache = 0;
  InterconnectAccess access = InterconnectAccess::kNone;
  std::uint64_t value = 0;  // ns, or KiB/s
};

enum class NumaMode : std::uint8_t { kStrict, kPreferred, kInterleave, kRestrictive };
template <>
struct Spelling<NumaMode> {
  static constexpr const char* kNames[] = {"strict", "preferred", "interleave", "restrictive"};
};
enum class NumaPlacement : std::uint8_t { kDefault, kStatic, kAuto };
template <>
struct Spelling<NumaPlacement> {
  static constexpr const char* kNames[] = {"", "static", "auto"};
};

struct NumaTuneMemory {
  NumaMode mode = NumaMode::kStrict;
  NumaPlacement placement = NumaPlacement::kDefault;
  std::optional<Bitmap> nodeset;
};
struct NumaTuneNode {
  unsigned cell_id = 0;
  NumaMode mode = NumaMode::kStrict;
  Bitmap nodeset;
};
struct NumaTune {
  std::optional<NumaTuneMemory> memory;
  std::vector<NumaTuneNode> nodes;  // ordered by cell
};

struct Numa {
  std::vector<NumaCell> cells;  // cell i has id i
  std::vector<NumaInterconnect> interconnects;
};

}  // namespace bv::model
