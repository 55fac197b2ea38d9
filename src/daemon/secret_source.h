#pragma once

#include <optional>
#include <string>

#include "base/task.h"
#include "base/uuid.h"

namespace bv {

// Where other drivers get the values of secrets: the secret driver of this daemon, if it has one, else virtsecretd.
class SecretSource {
 public:
  virtual ~SecretSource() = default;

  struct Name {
    std::optional<Uuid> uuid;
    // Without a UUID:
    int usage_type = 0;  // virSecretUsageType
    std::string usage;
  };
  // The value of the secret that a definition names. Private ones are given out here, unlike to clients.
  // kNoSecret (domain kSecret) when there is none, or none with a value.
  static Task<std::string> Value(Name name);

  // Set by the driver that is one.
  static void set_local(SecretSource* source);

 protected:
  virtual std::string LocalValue(const Name& name) = 0;
};

}  // namespace bv
