#pragma once

#include <string>

#include "base/uuid.h"

namespace bv {

// Where other drivers get the values of secrets: the secret driver of this daemon, if it has one.
class SecretSource {
 public:
  virtual ~SecretSource() = default;

  // The value of the secret that a definition names. Private ones are given out here, unlike to
  // clients. kNoSecret (domain kSecret) when there is none, or none with a value.
  virtual std::string ValueByUuid(const Uuid& uuid) = 0;
  // `type` as in XML: "ceph", "iscsi", "volume", "tls", "vtpm".
  virtual std::string ValueByUsage(const std::string& type, const std::string& usage) = 0;

  // Null in a daemon without secrets. Set by the driver that is one.
  static SecretSource* local();
  static void set_local(SecretSource* source);
};

}  // namespace bv
