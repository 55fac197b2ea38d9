#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace bv::qemu {

// Answers whether a path leads somewhere in the schema that query-qmp-schema returns.
//
// A path is COMMAND (or event) and segments behind slashes: "arg-type" or "ret-type" first, then
//   name   a member of the object
//   +tag   the branch of a union for that tag
//   ^value a value of the enumeration (the last segment)
//   $name  a feature of the command or object (the last segment)
// Arrays are looked through. "chardev-add/arg-type/backend/+socket/data/reconnect".
class QmpSchema {
 public:
  // `schema` is the command's answer, an array.
  explicit QmpSchema(const Json& schema);
  bool Has(std::string_view path) const;

 private:
  Json Entity(const std::string& name) const;
  Json EntityBehindArrays(std::string name) const;

  std::map<std::string, Json, std::less<>> entities_;
};

}  // namespace bv::qemu
