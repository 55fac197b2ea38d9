#pragma once

#include <vector>

#include "model/moment.h"

// <domaincheckpoint>: a moment from which on the changes of a guest's disks are kept track of, in bitmaps.
namespace bv::model {

enum class CheckpointType : std::uint8_t { kDefault, kNo, kBitmap };
template <>
struct Spelling<CheckpointType> {
  static constexpr const char* kNames[] = {"", "no", "bitmap"};
};

struct CheckpointDisk {
  std::string name;
  CheckpointType type = CheckpointType::kDefault;
  std::optional<std::string> bitmap;
  std::optional<std::uint64_t> size;  // bytes, when it was asked for
};

struct Checkpoint : Moment {
  std::vector<CheckpointDisk> disks;
};

// `flags` are kMoment*. Throws libvirt's errors.
Checkpoint ParseCheckpoint(std::string_view xml, unsigned flags);
struct CheckpointFormat {
  bool secure = false;
  bool domain = true;
};
std::string FormatCheckpoint(const Checkpoint& checkpoint, CheckpointFormat format);

}  // namespace bv::model
