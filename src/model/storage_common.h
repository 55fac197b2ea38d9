#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/describe/engine.h"
#include "model/value.h"

// What pools and volumes share.
namespace bv::model {

struct StoragePermissions {
  std::optional<std::uint32_t> mode, owner, group;
  std::string label;

  bool empty() const { return !mode && !owner && !group && label.empty(); }
};

// <permissions>; not written when there are none.
extern const Description<StoragePermissions> kStoragePermissions;

// A path without doubled slashes and a slash at its end. Two slashes in front mean something and stay,
// three do not.
std::string SanitizePath(std::string_view path);

}  // namespace bv::model
