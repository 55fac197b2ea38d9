#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/value.h"

// What stands in the http://libvirt.org/schemas/domain/qemu/1.0 namespace.
namespace bv::model {

enum class DeprecationBehavior : std::uint8_t { kNone, kOmit, kReject, kCrash };
template <>
struct Spelling<DeprecationBehavior> {
  static constexpr const char* kNames[] = {"none", "omit", "reject", "crash"};
};
enum class OverrideType : std::uint8_t { kNone, kString, kSigned, kUnsigned, kBool, kRemove };
template <>
struct Spelling<OverrideType> {
  static constexpr const char* kNames[] = {"", "string", "signed", "unsigned", "bool", "remove"};
};

struct QemuEnv {
  std::string name, value;
};
struct OverrideProperty {
  std::string name;
  OverrideType type = OverrideType::kNone;
  std::string value;
};
struct DeviceOverride {
  std::string alias;
  std::vector<OverrideProperty> frontend;
};

struct QemuNamespace {
  std::vector<std::string> args;
  std::vector<QemuEnv> env;
  std::vector<std::string> caps_add, caps_del;
  bool deprecation_given = false;
  DeprecationBehavior deprecation = DeprecationBehavior::kNone;
  std::vector<DeviceOverride> overrides;

  bool empty() const {
    return args.empty() && env.empty() && caps_add.empty() && caps_del.empty() && !deprecation_given && overrides.empty();
  }
};

}  // namespace bv::model
