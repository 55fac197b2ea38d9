#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "model/value.h"

// <secret>: a password or key that definitions refer to, without its value.
namespace bv::model {

enum class SecretUsage : std::uint8_t { kNone, kVolume, kCeph, kIscsi, kTls, kVtpm };
template <>
struct Spelling<SecretUsage> {
  static constexpr const char* kNames[] = {"none", "volume", "ceph", "iscsi", "tls", "vtpm"};
};

struct SecretDef {
  bool ephemeral = false, is_private = false;
  Uuid uuid;  // made when the document has none
  std::string description;
  SecretUsage usage = SecretUsage::kNone;
  std::string usage_id;  // volume path, ceph name, iscsi target ...
};

SecretDef ParseSecret(std::string_view xml, bool validate);
std::string FormatSecret(const SecretDef& secret);

}  // namespace bv::model
